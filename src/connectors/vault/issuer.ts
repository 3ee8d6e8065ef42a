import { type Answer, done, label, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Credential, Issuer, Observation, Preflight } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { probePair } from '../../outside/probe-pair.ts'
import { type Door, placeOf } from './api.ts'
import { approleKind } from './approle.ts'
import { asAdmin } from './door.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import type { Kind } from './kind.ts'
import { checkRights } from './rights.ts'
import { isClear } from './store.ts'
import { tokensKind } from './tokens.ts'

/** The id of a credential that is not made yet: no accessor is like it. */
const PENDING = 'pending'

const FIELDS = { secret: 'secret', accessor: 'plain' } as const

/**
 * The secret ids of an AppRole, or tokens. Vault makes the value, and answers with an accessor: the id, by which one is looked at and
 * ended without its value. What is ended is gone; nothing turns it off for a time.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const kind = kindOf(config)
  const place = placeOf(config)
  const principal = `${place} ${kind.principal.join(' ')}`

  const observe = async (door: Door, call: Call): Promise<Answer<Observation>> => {
    const seen = await kind.list(door, call)
    // Vault does not show when one was last used: `seenUpTo` 0 says so.
    return seen.is === 'done' ? done({ ...seen.value, complete: true, seenUpTo: 0 }) : seen
  }

  const room = async (door: Door, call: Call): Promise<Answer<Observation>> => {
    const seen = await observe(door, call)
    if (seen.is !== 'done') return seen
    const on = seen.value.known.length
    return on < config.slots ? seen : refused('SLOTS_FULL', `${on} of ${config.slots} at ${principal}: end those that nobody uses, or raise \`slots\``, { on })
  }

  return {
    traits: {
      value: 'made',
      mint: 'adds',
      acceptor: 'issuer',
      locate: 'tag',
      slots: config.slots,
      settle: 5_000,
      ends: ['gone'],
      fields: FIELDS,
      ...(kind.lockout === undefined ? {} : { lockout: kind.lockout }),
      ...(kind.derivedLife === undefined ? {} : { derivedLife: kind.derivedLife }),
    },
    identity: () => resourceKey('principal', 'vault', place, config.namespace ?? '', ...kind.principal),
    endpoints: () => [place],
    idOf: ({ accessor, secret }) => {
      const id = accessor?.reveal()
      // A token of this look is no accessor: bound the wrong way round, it would be shown as an id.
      return id === undefined || id === '' || /^hv[sbr]\./.test(id) || accessor?.equals(secret) === true ? undefined : id
    },
    propose: () => ({ id: PENDING, fields: {} }),

    preflight: (current, _next, call) => asAdmin(config, host, call, async (door): Promise<Answer<Preflight>> => {
      const rights = await checkRights(door, kind.needs, call)
      if (rights.is !== 'done') return rights
      const configured = await kind.inspect(door, call)
      if (configured.is !== 'done') return configured
      const seen = await room(door, call)
      if (seen.is !== 'done') return seen
      const evidence = { on: seen.value.known.length, slots: config.slots }
      if (!seen.value.known.some(({ id }) => id === current.id)) return refused('CREDENTIAL_REJECTED', `${label(current.id)} is not among those of ${principal}`, evidence)
      const meaningful = await proves(kind, door, current, call, place)
      if (meaningful.is !== 'done') return meaningful
      const clear = isClear(config.address) ? ['values cross the network in clear: the address begins with http://'] : []
      return done({
        evidence, fenced: false,
        notices: ['unfenced: Vault cannot tell an older owner from a newer one', `Vault does not show who uses a ${kind.noun}: set \`quiet: 0s\` to do without`, ...rights.value, ...configured.value, ...clear],
      })
    }),

    observe: (call) => asAdmin(config, host, call, (door) => observe(door, call)),

    mint: ({ tag }, call) => asAdmin(config, host, call, async (door) => {
      const made = await kind.make(door, tag, call)
      if (made.is !== 'done') return made
      const { accessor, secret } = made.value
      host.conceal(secret)
      return done({ credential: { id: accessor, fields: { secret, accessor: new Secret(accessor) } }, evidence: {} })
    }),

    probe: async (credential, endpoint, call) => {
      const { secret } = credential.fields
      if (endpoint !== place || secret === undefined) return done({ verdict: 'inconclusive', code: 'no-secret' })
      return asAdmin(config, host, call, (door) => kind.verdict(door, secret, call))
    },

    set: (id, state, call) => asAdmin(config, host, call, async (door) => {
      if (state === 'off') return refused('NOT_NOW', `Vault cannot turn a ${kind.noun} off for a time`)
      if (id === PENDING) return state === 'gone' ? done({ evidence: {} }) : refused('PRINCIPAL_MISSING', `a ${kind.noun} that was never made`)
      if (state === 'on') {
        const kept = await kind.keep(door, id, call)
        if (kept.is !== 'done') return kept
        return kept.value ? done({ evidence: {} }) : refused('NOT_NOW', `a ${kind.noun} that is gone cannot be brought back`)
      }
      const ended = await kind.end(door, id, call)
      return ended.is === 'done' ? done({ evidence: {} }) : ended
    }),

    // Every request has a connection of its own.
    close: async () => undefined,
  }
}

function kindOf({ approle, tokens }: IssuerConfig): Kind {
  if (approle !== undefined) return approleKind(approle)
  if (tokens !== undefined) return tokensKind(tokens)
  throw new KeyturnError('MANIFEST_INVALID', '`approle` or `tokens`, one of them')
}

/** Whether a verdict means something: a wrong one is rejected, the current one accepted (I12). The accepted one comes last, which ends Vault's count of failed logins. */
async function proves(kind: Kind, door: Door, current: Credential, call: Call, place: string): Promise<Answer<void>> {
  const held = current.fields['secret']
  if (held === undefined) return refused('STORE_UNFIT', 'the secret itself is not in the stores')
  const shown = { current: held, wrong: kind.stranger() }
  const not = await probePair([place], (which) => kind.verdict(door, shown[which], call), ({ verdict, code }, _, wanted) => {
    const evidence = { code: label(code) }
    if (verdict === 'accepted') return refused('PROBE_MEANINGLESS', place, evidence)
    if (verdict === 'rejected') return refused('CREDENTIAL_REJECTED', place, evidence)
    return refused('PRECONDITION_FAILED', `${place} gives no verdict on a ${kind.noun} that has to be ${wanted}: it lets nobody in from this address, is locked out, or a policy forbids \`lookup-self\``, evidence)
  })
  return not ?? done(undefined)
}
