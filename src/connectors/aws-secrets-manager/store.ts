import { randomUUID } from 'node:crypto'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import type { Store } from '../../kit/store.ts'
import { entriesOf, patched } from './document.ts'
import type { StoreConfig } from './manifest.ts'
import { nameOf, type Service, serviceOf, versionWith } from './service.ts'

/** What the ids of our versions begin with, so that one that a killed write left is known. */
const OURS = 'keyturn-'

/**
 * A JSON secret. A write makes a version with AWSPENDING and then moves AWSCURRENT to it from the version that was read, which
 * Secrets Manager refuses when another one has it: that is the compare-and-set. AWSPREVIOUS then stays on the one before.
 */
export function openStore(config: StoreConfig, host: Pick<Host, 'resolve'>): Store {
  const service = serviceOf(config, host)
  const { about } = service
  return {
    traits: { read: 'value', cas: true },
    identity: () => resourceKey('store', 'aws-secrets-manager', config.endpoint ?? '', config.region, nameOf(config.secret)),
    title: () => `AWS Secrets Manager ${about}`,

    async preflight(call) {
      const seen = await service.describe(call)
      if (seen.is !== 'done') return asStore(seen)
      const strange = strangeAttempt(seen.value.stages)
      if (strange !== undefined) return refused('PRECONDITION_FAILED', `a rotation of ${about} by AWS is under way or stuck: AWSPENDING is on another version than AWSCURRENT`)
      const now = await service.get(undefined, call)
      if (now.is !== 'done') return asStore(now)
      const fit = entriesOf(now.value.text, [], about)
      if (fit.is !== 'done') return fit
      return done({ notices: seen.value.rotates ? [`AWS rotates ${about} too, at times of its own: use \`aws-secrets-manager\` as the issuer instead.`] : [] })
    },

    async read(keys, call) {
      const now = await service.get(undefined, call)
      if (now.is !== 'done') return asStore(now)
      const entries = entriesOf(now.value.text, keys, about)
      return entries.is === 'done' ? done({ entries: entries.value, revision: now.value.id }) : entries
    },

    // JSON holds every text.
    accepts: () => done(undefined),

    async write(patch, ifRevision, call) {
      const now = await service.get(undefined, call)
      if (now.is !== 'done') return asStore(now)
      const { id, text } = now.value
      if (id !== ifRevision) return refused('CONFLICT', about)
      const next = patched(text, patch, about)
      if (next.is !== 'done') return next
      if (next.value.equals(text)) return done({ revision: id })
      const seen = await service.describe(call)
      if (seen.is !== 'done') return asStore(seen)
      if (strangeAttempt(seen.value.stages) !== undefined) return refused('CONFLICT', `a rotation of ${about} by AWS is under way`)
      const fresh = `${OURS}${randomUUID()}`
      const put = await service.put(fresh, next.value, call)
      if (put.is !== 'done') return asStore(put)
      const moved = await service.move('AWSCURRENT', id, fresh, call)
      if (moved.is !== 'done') {
        if (moved.is === 'refused') await service.move('AWSPENDING', fresh, undefined, call)
        return asStore(moved)
      }
      // It is current. A label that stays here by an accident is taken away by `tidy`, and is no hindrance to a rotation by AWS.
      await service.move('AWSPENDING', fresh, undefined, call)
      return done({ revision: fresh })
    },

    tidy: (call) => tidy(service, call),
  }
}

/** A version with AWSPENDING that is neither current nor ours. */
function strangeAttempt(stages: ReadonlyMap<string, readonly string[]>): string | undefined {
  const pending = versionWith(stages, 'AWSPENDING')
  return pending === undefined || pending.startsWith(OURS) || pending === versionWith(stages, 'AWSCURRENT') ? undefined : pending
}

async function tidy(service: Service, call: Call): Promise<Answer<void>> {
  const seen = await service.describe(call)
  if (seen.is !== 'done') return asStore(seen)
  const pending = versionWith(seen.value.stages, 'AWSPENDING')
  return pending?.startsWith(OURS) === true ? service.move('AWSPENDING', pending, undefined, call) : done(undefined)
}

/** A missing right is one to a store here. */
function asStore(answer: Exclude<Answer<unknown>, { is: 'done' }>): Answer<never> {
  return answer.is === 'refused' && answer.code === 'RIGHTS_MISSING' ? { ...answer, code: 'STORE_DENIED' } : answer
}
