import type { Ms } from '../kit/index.ts'
import { isCron } from '../manifest/schedule.ts'
import type { Past, Scheduled } from './agenda.ts'
import { dueAfter } from './every.ts'
import type { Zone } from './zone.ts'

/** What makes a secret due. */
export interface Cause {
  /** `every 90d`, `after nats`, `expiry`, `provider-change`, `compromise`. */
  readonly cause: string
  /** Unix ms. */
  readonly due: number
  /** Whether it is spread before that time (1) or after it (-1), as what names the time of a beginning is. */
  readonly lead: 1 | -1
}

/** So long before a credential expires it is replaced, unless the manifest says it; at most a quarter of its life. */
const MARGIN_MS: Ms = 14 * 86_400_000

/**
 * When the credential in use expires, and by when it has to be replaced, unix ms: what was said of this very one, by a person or its
 * provider, or else as long after its rotation as the manifest says. Undefined when nobody says it. A margin that is longer than half of
 * its life is that half: else what is new would be due at once.
 */
export function expiryOf({ expires }: Pick<Scheduled, 'expires'>, { last, expiresAt }: Past): { readonly at: number; readonly due: number } | undefined {
  const at = expiresAt ?? (expires?.after === undefined || last === undefined ? undefined : last.openedAt + expires.after)
  if (at === undefined) return undefined
  const life = last === undefined ? Number.POSITIVE_INFINITY : Math.max(0, at - last.openedAt)
  return { at, due: at - Math.min(expires?.margin ?? Math.min(MARGIN_MS, life / 4), life / 2) }
}

/** What makes it due by itself, whatever becomes of other secrets; the earliest first. */
export function ownCauses(secret: Scheduled, past: Past, zone: Zone): Cause[] {
  const { every, on = [] } = secret
  const { last, marked = {} } = past
  const at = every === undefined || last === undefined ? undefined : dueAfter(every, last.openedAt, zone)
  const expiry = on.includes('expiry') ? expiryOf(secret, past) : undefined
  const causes: (Cause | undefined)[] = [
    at === undefined || every === undefined ? undefined : { cause: `every ${every}`, due: at, lead: isCron(every) ? -1 : 1 },
    expiry === undefined ? undefined : { cause: 'expiry', due: expiry.due, lead: 1 },
    ...(['compromise', 'provider-change'] as const).map((cause): Cause | undefined => {
      const due = on.includes(cause) ? marked[cause] : undefined
      return due === undefined ? undefined : { cause, due, lead: -1 }
    }),
  ]
  return causes.filter((each) => each !== undefined).toSorted((a, b) => a.due - b.due)
}
