import { scryptSync } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ElastiCacheClient } from '@aws-sdk/client-elasticache'
import { type Answer, done, label, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, Issuer, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { inSession } from '../../outside/aws/index.ts'
import { contradiction, probePair } from '../../outside/probe-pair.ts'
import { groupSession, modify, note, type Noted, readGroup, readNoted } from './group.ts'
import type { IssuerConfig } from './manifest.ts'
import { probe } from './probe.ts'

/** What is said where there is no room. */
const TWO = 'has a second token already: its tags keyturn:last and keyturn:before name the two'

/** A request that was sent may be begun this long after its deadline. */
const SETTLE = 5_000

/**
 * The AUTH token of one replication group. AWS keeps the two latest tokens and lists neither, so keyturn notes in tags of the group,
 * by digests, which two it put there.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { group: id, endpoints } = config
  const session = groupSession(config, host)
  const digests = new Map<string, string>()
  /** Ids are shown and stand in tags: a digest that helps nobody who guesses. */
  const nameOf = (token: Secret): string => {
    const text = token.reveal()
    const digest = digests.get(text) ?? scryptSync(text, `keyturn/aws-elasticache/${id}`, 6, { N: 4096 }).toString('hex')
    digests.set(text, digest)
    return `${id}/${digest}`
  }
  const inUse = async (call: Call): Promise<{ readonly id: string; readonly token: Secret }> => {
    const token = await host.resolve(config.inUse, call)
    host.conceal(token)
    return { id: nameOf(token), token }
  }

  const probeAt = (token: Secret, name: string, call: Call): Promise<Answer<Verdict>> => {
    const found = endpoints.find((each) => each.name === name)
    return found === undefined ? Promise.resolve(refused('USAGE', `there is no endpoint ${label(name)}`)) : probe(config, host, found, token, call)
  }
  const isAccepted = async (token: Secret, call: Call): Promise<boolean> => {
    for (const { name } of endpoints) {
      const seen = await probeAt(token, name, call)
      if (seen.is !== 'done' || seen.value.verdict !== 'accepted') return false
    }
    return true
  }

  /** Waits for whatever is being modified. Undefined when all is quiet; `unknown` when that takes longer than the call. */
  const untilIdle = async (client: ElastiCacheClient, call: Call, isSo: () => Promise<boolean> = async () => true): Promise<Answer<never> | undefined> => {
    for (;;) {
      if ((await readGroup(client, id, call)).idle && (await isSo())) return undefined
      if (call.signal.aborted || Date.now() + durationOf(config.every) >= call.deadline) return unknown('DEADLINE', `${session.about} is still being modified; give the secret a longer \`deadline\``)
      await pause(durationOf(config.every), undefined, { signal: call.signal })
    }
  }

  /** A second token beside the one in use. What was asked for already is only waited for. */
  const mint = (next: Credential, token: Secret, call: Call): ReturnType<Issuer['mint']> =>
    inSession(session, call, async (client): ReturnType<Issuer['mint']> => {
      const now = await inUse(call)
      const { arn } = await readGroup(client, id, call)
      const noted = await readNoted(client, arn, call)
      const isOurs = noted.last === next.id
      if (!isOurs && isFull(noted)) return refused('SLOTS_FULL', `${session.about} ${TWO}`)
      const busy = await untilIdle(client, call)
      if (busy !== undefined) return isOurs ? busy : refused('CONFLICT', `${session.about} is being modified`)
      if (isOurs && (await isAccepted(token, call))) return done({ credential: next, evidence: { again: true } })
      await note(client, arn, { last: next.id, before: now.id }, call)
      await modify(client, id, token, 'ROTATE', call)
      return (await untilIdle(client, call, () => isAccepted(token, call))) ?? done({ credential: next, evidence: { again: false } })
    })

  /** Leaves the token in use alone there. */
  const end = (ended: string, call: Call): ReturnType<Issuer['set']> =>
    inSession(session, call, async (client): ReturnType<Issuer['set']> => {
      const { arn } = await readGroup(client, id, call)
      const { last, before } = await readNoted(client, arn, call)
      if (ended !== last && ended !== before) return done({ evidence: { absent: true } })
      const kept = await inUse(call)
      if (kept.id === ended) return refused('NOT_NOW', 'what `inUse` refers to is still the token that is to be ended')
      if (!(await isAccepted(kept.token, call))) return refused('CREDENTIAL_REJECTED', `what \`inUse\` refers to is not accepted by ${session.about}`)
      const busy = await untilIdle(client, call)
      if (busy !== undefined) return busy
      // Only the token that was rotated in last can be set: to go back, the one before is rotated in again.
      if (kept.id !== last) {
        await note(client, arn, { last: kept.id, before: ended }, call)
        await modify(client, id, kept.token, 'ROTATE', call)
        const late = await untilIdle(client, call)
        if (late !== undefined) return late
      }
      await modify(client, id, kept.token, 'SET', call)
      const late = await untilIdle(client, call)
      if (late !== undefined) return late
      await note(client, arn, undefined, call)
      return done({ evidence: { absent: false } })
    })

  return {
    traits: { value: 'chosen', mint: 'adds', acceptor: 'issuer', locate: 'value', slots: 2, settle: SETTLE, ends: ['gone'], fields: { token: 'secret' } },
    identity: () => resourceKey('principal', 'aws-elasticache', config.endpoint ?? '', config.region, id),
    endpoints: () => endpoints.map(({ name }) => name),
    idOf: ({ token }) => (token === undefined ? undefined : nameOf(token)),
    propose() {
      const token = new Secret(generate(ALNUM, config.length))
      host.conceal(token)
      return { id: nameOf(token), fields: { token } }
    },

    preflight: (current, _next, call) => inSession(session, call, async (client) => {
      const group = await readGroup(client, id, call)
      if (!group.encrypted || !group.hasToken) return refused('PRECONDITION_FAILED', `${session.about} has no AUTH token: encryption in transit and a token are needed`)
      if (!group.idle) return refused('CONFLICT', `${session.about} is being modified`)
      if ((await inUse(call)).id !== current.id) return refused('STORE_DRIFT', 'what `inUse` refers to is not the token in the stores')
      if (isFull(await readNoted(client, group.arn, call))) return refused('SLOTS_FULL', `${session.about} ${TWO}`)
      const wrong = new Secret(generate(ALNUM, config.length))
      const shown = { current: current.fields['token'] ?? wrong, wrong }
      const red = await probePair(endpoints.map(({ name }) => name), (which, name) => probeAt(shown[which], name, call), (seen, name) => contradiction(seen, name) ?? unknown('UNREACHABLE', name, { code: label(seen.code) }))
      return red ?? done({
        evidence: { endpoints: endpoints.length },
        fenced: false,
        notices: [
          'AWS keeps the two latest tokens and lists none: a second one that somebody put there by hand is not seen, and dropped.',
          'Each modification takes AWS minutes: the `deadline` of the secret has to be longer.',
          'Sessions that are open live on, whichever token they began with.',
          'The server cannot tell an older owner from a newer one.',
        ],
      })
    }),

    observe: (call) => inSession(session, call, async (client) => {
      const { arn } = await readGroup(client, id, call)
      const { last, before } = await readNoted(client, arn, call)
      const ids = last === undefined || before === undefined ? [(await inUse(call)).id] : [before, last]
      // Of a token nobody sees who uses it, nor whether there is another one.
      return done({ known: ids.map((each) => ({ id: each, state: 'on' as const, uses: [] })), complete: false, seenUpTo: 0 })
    }),

    async mint({ credential }, call) {
      const { token } = credential.fields
      return token === undefined ? refused('INTERNAL', 'a credential without a token') : mint(credential, token, call)
    },

    async probe({ fields: { token } }, name, call) {
      return token === undefined ? refused('INTERNAL', 'a credential without a token') : probeAt(token, name, call)
    },

    async set(each, state, call) {
      if (state === 'gone') return end(each, call)
      if (state === 'off') return refused('NOT_NOW', 'a token cannot be turned off, only ended')
      return inSession(session, call, async (client) => {
        const { arn } = await readGroup(client, id, call)
        const { last, before } = await readNoted(client, arn, call)
        const isThere = each === last || each === before || each === (await inUse(call)).id
        return isThere ? done({ evidence: {} }) : refused('PRINCIPAL_MISSING', `the token ${label(each)}`)
      })
    },
    // Every call ends its own connections.
    close: async () => undefined,
  }
}

function isFull({ last, before }: Noted): boolean {
  return last !== undefined || before !== undefined
}
