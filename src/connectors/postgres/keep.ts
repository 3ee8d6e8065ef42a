import type { Call } from '../../kit/index.ts'
import type { Session } from './session.ts'
import type { Target } from './target.ts'

/** The connection of the admin between two calls: a login costs the server more than most of what is asked on it. */
export interface Keep {
  /** The kept one, now of this call, when it is of the same login; undefined when there is none or it is in use. */
  take(target: Target, call: Call): Session | undefined
  /** Keeps a connection on which nothing went wrong, unless there is one; ends it otherwise. */
  give(target: Target, session: Session): Promise<void>
  /** Ends what is kept, and whatever is given from now on. */
  close(): Promise<void>
}

/** Keeps one connection, none in the beginning. */
export function openKeep(): Keep {
  let kept: { readonly session: Session; readonly target: Target } | undefined
  let closed = false
  return {
    take(target, call) {
      if (kept === undefined || !kept.session.isSound() || !isSame(kept.target, target)) return undefined
      const { session } = kept
      kept = undefined
      session.serve(call)
      return session
    },
    async give(target, session) {
      if (closed || !session.isSound()) return session.close()
      const before = kept
      kept = { session, target }
      session.serve(undefined)
      await before?.session.close()
    },
    async close() {
      closed = true
      await kept?.session.close()
      kept = undefined
    },
  }
}

/** The reference of the admin may give another password, or another server, from one call to the next. */
function isSame(one: Target, other: Target): boolean {
  const name = ({ host, port, database, user, password, tls }: Target): string => JSON.stringify([host, port, database, user, password.reveal(), tls])
  return name(one) === name(other)
}
