import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { disk } from '../../outside/file/index.ts'
import type { Keys } from './keys.ts'
import { type Loaded, loadKeys, look, type Node, restart, saveKeys, startedAt } from './node.ts'

/** What the keys of a node become; refused where that cannot be. */
export type Edit = (keys: Keys, node: Node) => Answer<Keys>

/** Looks at a node that has the new keys; what it refuses ends the change. */
export type Look = (node: Node) => Promise<Answer<void>>

/**
 * Changes the file of every node and restarts it, one node after another, each of which has to be ready and seen before the next one is
 * begun. Before anything is changed every node has to answer and every file has to take the change. A node that was started after its
 * file was changed is left running. From the first change on what goes wrong is `unknown`. Answers how many nodes were restarted.
 */
export async function changeNodes(nodes: readonly Node[], edit: Edit, seen: Look, call: Call): Promise<Answer<number>> {
  for (const node of nodes) {
    const there = await look(node, call)
    if (there.is !== 'done') return there
    const loaded = await loadKeys(node)
    if (loaded.is !== 'done') return loaded
    const next = edit(loaded.value.keys, node)
    if (next.is !== 'done') return next
  }
  let [touched, restarted] = [false, 0]
  const lost = (answer: Answer<unknown>): Answer<never> => {
    if (answer.is === 'refused' && touched) return unknown(answer.code, answer.about, answer.evidence)
    return answer.is === 'done' ? refused('INTERNAL') : answer
  }
  for (const node of nodes) {
    // Nodes may share a file: it is read again for each of them.
    const loaded = await loadKeys(node)
    if (loaded.is !== 'done') return lost(loaded)
    const next = edit(loaded.value.keys, node)
    if (next.is !== 'done') return lost(next)
    if (call.signal.aborted) return lost(refused('DEADLINE', node.name))
    if (!isSame(loaded.value.keys, next.value)) {
      const saved = await saveKeys(node, loaded.value, next.value, call)
      if (saved.is !== 'done') return lost(saved)
      touched = true
    } else if (await isInForce(node, loaded.value, call)) continue
    touched = true
    const again = await restart(node, call)
    if (again.is !== 'done') return lost(again)
    restarted += 1
    const good = await seen(node)
    if (good.is !== 'done') return lost(good)
  }
  return done(restarted)
}

function isSame(one: Keys, other: Keys): boolean {
  return (['api_key', 'alt_api_key', 'read_only_api_key'] as const).every((place) => one[place] === other[place])
}

/** The node tells its start in hundredths of a second, rounded. */
const ROUNDED_MS = 10

/** Whether the node was started after its file was last changed. Both times are of one machine, where file and node are. */
async function isInForce(node: Node, { keys }: Loaded, call: Call): Promise<boolean> {
  const { mtimeMs } = await disk.stat(await disk.real(node.file))
  for (const key of Object.values(keys)) {
    if (await startedAt(node, key, call) > mtimeMs + ROUNDED_MS) return true
  }
  return false
}
