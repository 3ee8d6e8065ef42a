import { type Answer, type Call, done, refused, unknown } from '../../kit/index.ts'
import { type Setup, readSetup, savesOf, trySaving, unsaved } from './durable.ts'
import { failure, ServerRefusal } from './failure.ts'
import type { OpenNode } from './nodes.ts'
import type { Command } from './session.ts'
import { readUsers, type User } from './user.ts'

/** A node, and what is to happen at it. */
export interface Seen {
  readonly node: OpenNode
  readonly users: ReadonlyMap<string, User>
  readonly setup: Setup
}

/** What is done at one node to one user; no commands where there is nothing to do. */
export interface Effect {
  readonly user: string
  readonly commands: readonly Command[]
  /** Where settings are changed too (`requirepass`, `masterauth`), which an ACL file does not hold: what sets them back. */
  readonly settings?: Command
}

/** Reads users and settings of every node. */
export async function readNodes(nodes: readonly OpenNode[]): Promise<readonly Seen[]> {
  return Promise.all(nodes.map(async (node) => ({ node, users: await readUsers(node), setup: await readSetup(node) })))
}

/**
 * One effect at every node, each in force and on disk in one go: when keyturn dies, either both have happened there or neither. First
 * every node shows that it can write its file, so that a failure of that is `refused` before anything is changed. When it fails later
 * all is set back as it was. `unknown` as soon as some node may have changed and not all certainly have.
 */
export async function change(seen: readonly Seen[], effectAt: (seen: Seen) => Effect, persist: boolean, call: Call): Promise<Answer<void>> {
  const due = seen.map((one) => ({ ...one, effect: effectAt(one) })).filter(({ effect }) => effect.commands.length > 0)
  if (persist) {
    for (const { node, setup, effect } of due) {
      const able = await trySaving(node, setup, effect.settings !== undefined)
      if (able.is !== 'done') return able
    }
  }
  let changed = false
  for (const { node, users, setup, effect } of due) {
    if (call.signal.aborted) return changed ? unknown('DEADLINE') : refused('DEADLINE')
    const saves = persist ? savesOf(setup, effect.settings !== undefined) : []
    try {
      const replies = await node.together([...effect.commands, ...saves])
      const at = replies.findIndex((reply) => reply instanceof ServerRefusal)
      if (at >= 0) {
        // Where the first command is refused nothing of ours has happened, and what was read before may be another run's past.
        if (at > 0) await restore(node, effect, users.get(effect.user))
        const save = saves[at - effect.commands.length]
        const answer = save === undefined ? failure(replies[at], call, 'unknown', node.target) : unsaved(node.name, save)
        return changed ? asUnknown(answer) : answer
      }
      changed = true
    } catch (thrown) {
      // The one refusal that comes before anything is carried out is that of EXEC itself.
      const certain = !changed && thrown instanceof ServerRefusal && /^(EXECABORT|NOPERM|OOM|READONLY)$/.test(thrown.word)
      const answer = failure(thrown, call, 'unknown', node.target)
      return certain ? answer : asUnknown(answer)
    }
  }
  return done(undefined)
}

/** Sets settings back, then the user, of whom `requirepass` takes passwords away; one that was not there goes. `reset` adds `sanitize-payload`, which is what a user without that word means too. */
async function restore(node: OpenNode, { user, settings }: Effect, before: User | undefined): Promise<void> {
  if (settings !== undefined) await node.ask(settings)
  await node.ask(before === undefined ? ['ACL', 'DELUSER', user] : ['ACL', 'SETUSER', user, 'reset', ...before.words])
}

function asUnknown(answer: Answer<never> | Answer<void>): Answer<never> {
  return answer.is === 'refused' || answer.is === 'unknown' ? unknown(answer.code, answer.about, answer.evidence) : unknown('INTERNAL')
}
