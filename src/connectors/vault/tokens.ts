import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Known, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { ask, type Door, outcomeOf, placeOf, read, says, send } from './api.ts'
import { eachOf } from './each.ts'
import type { TokensConfig } from './issuer-schema.ts'
import type { Kind } from './kind.ts'
import { TAG } from './tag.ts'

const keysSchema = z.object({ data: z.object({ keys: z.array(z.string()) }) })
const madeSchema = z.object({ auth: z.object({ client_token: z.string().min(1), accessor: z.string().min(1), orphan: z.boolean().optional() }) })
const entrySchema = z.object({
  data: z.object({
    accessor: z.string(),
    role: z.string().nullish(),
    display_name: z.string().nullish(),
    meta: z.record(z.string(), z.unknown()).nullish(),
    renewable: z.boolean().nullish(),
  }),
})
const roleSchema = z.object({ data: z.object({ orphan: z.boolean(), renewable: z.boolean().optional(), token_num_uses: z.number().optional(), token_type: z.string().optional() }) })

type Entry = z.infer<typeof entrySchema>['data']

/**
 * The tokens of a token role, or orphans of one display name. Only orphans: a child ends with the token that made it, which here is
 * keyturn's own. Vault shows an accessor for each token, and whose it is only one by one; a list of many thousands takes its time.
 * Revoking a token ends its children and leases too.
 * https://developer.hashicorp.com/vault/api-docs/auth/token
 */
export function tokensKind({ role, name, policies, ttl, period }: TokensConfig): Kind {
  const rolePath = role === undefined ? undefined : `auth/token/roles/${role}`
  const makePath = role === undefined ? 'auth/token/create-orphan' : `auth/token/create/${role}`
  // Vault puts `token-` before the display name that is asked for.
  const isOurs = (entry: Entry): boolean => (role === undefined ? entry.display_name === `token-${name ?? ''}` : entry.role === role)

  const lookUp = async (door: Door, accessor: string, call: { signal: AbortSignal }): Promise<Answer<Entry | undefined>> => {
    const asked = { method: 'POST', path: 'auth/token/lookup-accessor', body: { accessor } } as const
    const answer = await send(door, asked, call)
    if (answer.is !== 'done') return answer
    if (isAbsent(answer.value)) return done(undefined)
    const outcome = outcomeOf(answer.value, door, asked)
    if (outcome.is !== 'done') return outcome
    const entry = read(outcome.value, entrySchema, door)
    return entry.is === 'done' ? done(entry.value.data) : entry
  }

  return {
    principal: ['auth/token', role ?? `token-${name ?? ''}`],
    noun: 'token',
    needs: {
      ...(rolePath === undefined ? {} : { [rolePath]: [['read']] }),
      [makePath]: role === undefined ? [['create', 'update'], ['sudo']] : [['create', 'update']],
      'auth/token/accessors': [['list'], ['sudo']],
      'auth/token/lookup-accessor': [['create', 'update']],
      'auth/token/revoke-accessor': [['create', 'update']],
      'auth/token/renew-accessor': [['create', 'update']],
    },

    async inspect(door, call) {
      if (rolePath === undefined) return done([])
      const answer = await ask(door, { method: 'GET', path: rolePath }, call)
      if (answer.is !== 'done') return answer
      const seen = read(answer.value, roleSchema, door)
      if (seen.is !== 'done') return seen
      const { orphan, token_num_uses: uses = 0, token_type: type = '' } = seen.value.data
      if (!orphan) return refused('PRECONDITION_FAILED', `${rolePath} makes children of keyturn's own token, which end with it: set \`orphan\``)
      if (uses > 0) return refused('PRECONDITION_FAILED', `${rolePath} has \`token_num_uses: ${uses}\`: proving a token would use it up`)
      if (/batch/.test(type)) return refused('PRECONDITION_FAILED', `${rolePath} makes batch tokens, which cannot be revoked: set \`token_type: service\``)
      return done([])
    },

    async list(door, call) {
      const answer = await ask(door, { method: 'GET', path: 'auth/token/accessors', list: true }, call)
      if (answer.is !== 'done') return answer
      const keys = read(answer.value, keysSchema, door)
      if (keys.is !== 'done') return keys
      const entries = await eachOf(keys.value.data.keys, (accessor) => lookUp(door, accessor, call))
      if (entries.is !== 'done') return entries
      const known = entries.value.flatMap((entry): Known[] => {
        if (entry === undefined || !isOurs(entry)) return []
        const tag = entry.meta?.[TAG]
        return [{ id: entry.accessor, state: 'on', uses: [], ...(typeof tag === 'string' ? { tag } : {}) }]
      })
      return done({ known, ...(answer.value.date === undefined ? {} : { clock: answer.value.date }) })
    },

    async make(door, tag, call) {
      const body = { meta: { [TAG]: tag }, display_name: name ?? role, policies, ttl, period }
      const answer = await ask(door, { method: 'POST', path: makePath, body }, call)
      if (answer.is !== 'done') return answer
      const made = read(answer.value, madeSchema, door)
      return made.is === 'done' ? done({ accessor: made.value.auth.accessor, secret: new Secret(made.value.auth.client_token) }) : made
    },

    // Made anew and not changed in one character: a long token holds an HMAC in its middle that Vault Community does not look at.
    stranger: () => new Secret(`hvs.${generate(ALNUM, 24)}`),

    async verdict(door, secret, call) {
      const answer = await send({ ...door, token: secret }, { method: 'GET', path: 'auth/token/lookup-self' }, call)
      if (answer.is !== 'done') return answer
      const { status } = answer.value
      const outcome = outcomeOf(answer.value, door, { method: 'GET', path: 'auth/token/lookup-self' })
      if (outcome.is === 'refused' && outcome.code === 'UNREACHABLE') return outcome
      // A 403 without these words is of a token that is known and may not look itself up.
      const rejected = outcome.is === 'refused' && outcome.code === 'ADMIN_REJECTED'
      const verdict: Verdict['verdict'] = outcome.is === 'done' ? 'accepted' : rejected ? 'rejected' : 'inconclusive'
      return done({ verdict, code: String(status) })
    },

    async end(door, accessor, call) {
      const own = await ask(door, { method: 'GET', path: 'auth/token/lookup-self' }, call)
      const self = own.is === 'done' ? read(own.value, entrySchema, door) : own
      if (self.is === 'done' && self.value.data.accessor === accessor) return refused('NOT_NOW', `it is the token that keyturn itself works with at ${placeOf(door)}`)
      const seen = await lookUp(door, accessor, call)
      if (seen.is !== 'done') return seen.is === 'unknown' ? refused(seen.code, seen.about) : seen
      if (seen.value === undefined) return done(undefined)
      if (!isOurs(seen.value)) return refused('PRINCIPAL_MISSING', `this token is of another principal than ${role ?? name ?? ''}`)
      const asked = { method: 'POST', path: 'auth/token/revoke-accessor', body: { accessor } } as const
      const answer = await send(door, asked, call)
      if (answer.is !== 'done') return answer
      if (isAbsent(answer.value)) return done(undefined)
      const outcome = outcomeOf(answer.value, door, asked)
      return outcome.is === 'done' ? done(undefined) : outcome
    },

    async keep(door, accessor, call) {
      const seen = await lookUp(door, accessor, call)
      if (seen.is !== 'done' || seen.value === undefined) return seen.is === 'done' ? done(false) : seen
      if (seen.value.renewable !== true) return done(true)
      const renewed = await ask(door, { method: 'POST', path: 'auth/token/renew-accessor', body: { accessor } }, call)
      return renewed.is === 'done' ? done(true) : renewed
    },
  }
}

/** How Vault says that it has no token of an accessor, with 403 or 400 as the version has it. */
function isAbsent(response: { readonly status: number; readonly text: string; readonly complete: boolean }): boolean {
  return response.status === 404 || says(response, /invalid accessor/i)
}
