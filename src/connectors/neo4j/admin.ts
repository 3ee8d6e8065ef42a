import type { Answer, Call, Host } from '../../kit/index.ts'
import { failure } from './failure.ts'
import type { IssuerConfig } from './manifest.ts'
import { type Session, login } from './session.ts'
import { type Target, findAdmin } from './target.ts'

/** A server that keeps connections of its own, by the name that it has in the manifest. */
export interface Node {
  readonly name: string
  readonly target: Target
}

/** The admin, logged in where users are changed. */
export interface Admin {
  readonly session: Session
  readonly target: Target
  readonly nodes: readonly Node[]
  /**
   * Runs it on a login at every node, one after another, each of which first catches up with what this admin has done. Where the
   * manifest names no node, that is the admin's own login.
   */
  each<T>(body: (session: Session, node: Node) => Promise<T>): Promise<readonly T[]>
}

/** Where a credential is accepted; the admin's own address when no nodes are named. A node is talked to directly. */
export function nodesOf(config: IssuerConfig, admin: Target): readonly Node[] {
  const named = config.nodes?.map(({ name, host, port }): Node => ({ name, target: { ...admin, scheme: 'bolt', host, port } }))
  return named ?? [{ name: 'primary', target: admin }]
}

/**
 * Runs the body on a fresh login of the admin. `lost`: see {@link failure}; a body that may have had an effect answers for it itself.
 */
export async function asAdmin<T>(config: IssuerConfig, host: Host, call: Call, lost: 'refused' | 'unknown', body: (admin: Admin) => Promise<Answer<T>>): Promise<Answer<T>> {
  let place: Target | undefined
  let session: Session | undefined
  try {
    const target = await findAdmin(config, host, call)
    place = target
    const own = await login(target, call)
    session = own
    const nodes = nodesOf(config, target)
    const each: Admin['each'] = async (visit) => {
      const seen = []
      for (const node of nodes) {
        if (config.nodes === undefined) {
          seen.push(await visit(own, node))
          continue
        }
        const there = await login(node.target, call, own.marks())
        try {
          seen.push(await visit(there, node))
        } finally {
          await there.close()
        }
      }
      return seen
    }
    return await body({ session: own, target, nodes, each })
  } catch (thrown) {
    return failure(thrown, call, lost, place)
  } finally {
    await session?.close()
  }
}

/** Runs what changes something. Before the first effect a lost connection is `refused`, after it `unknown`. */
export async function change<T>(admin: Admin, call: Call, body: (effect: Session['run']) => Promise<Answer<T>>): Promise<Answer<T>> {
  let sent = false
  try {
    return await body((statement, parameters) => {
      call.signal.throwIfAborted()
      sent = true
      return admin.session.run(statement, parameters)
    })
  } catch (thrown) {
    return failure(thrown, call, sent ? 'unknown' : 'refused', admin.target)
  }
}
