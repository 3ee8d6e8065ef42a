import { setTimeout as pause } from 'node:timers/promises'
import { type Call, label, type Use } from '../../kit/index.ts'
import type { OpenNode } from './nodes.ts'
import { textOf } from './reply.ts'
import { OWN_NAME, type Session } from './session.ts'

/** A connection to a node, of others than keyturn. */
export interface Client {
  readonly user: string
  /** `name@address`, a label. */
  readonly by: string
}

/** Who is connected now. A name and a user hold no spaces, so every word is `key=value`. https://redis.io/docs/latest/commands/client-list/ */
export async function readClients(session: Session): Promise<readonly Client[]> {
  const lines = textOf(await session.ask(['CLIENT', 'LIST'])).split('\n').filter((line) => line !== '')
  return lines.flatMap((line) => {
    const words = new Map(line.split(' ').map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
    const address = (words.get('addr') ?? '').replace(/:\d+$/, '')
    // A link to a replica has no name; it is shown by what it is.
    const name = /[SM]/.test(words.get('flags') ?? '') ? 'replication' : words.get('name') ?? ''
    return name === OWN_NAME ? [] : [{ user: words.get('user') ?? '', by: `${label(name)}@${label(address)}` }]
  })
}

/** The uses of one user, over all nodes. */
export function usesOf(user: string, clients: readonly Client[]): readonly Use[] {
  const counts = new Map<string, number>()
  for (const client of clients) if (client.user === user) counts.set(client.by, (counts.get(client.by) ?? 0) + 1)
  return [...counts].map(([by, count]) => ({ by, count }))
}

/** `app@10.0.0.7 (3), cron@10.0.0.8 (1)`, for messages. */
export function nameUses(uses: readonly Use[]): string {
  return uses.map(({ by, count }) => `${by} (${count})`).join(', ')
}

/**
 * Ends every connection of the user at one node, keyturn's own probes too, until none is seen twice in a row: a login that passed
 * just before may appear a moment later. Throws at the deadline.
 * https://redis.io/docs/latest/commands/client-kill/
 */
export async function endSessions(node: OpenNode, user: string, call: Call): Promise<void> {
  const kill = async (): Promise<number> => Number(await node.ask(['CLIENT', 'KILL', 'USER', user]))
  for (let left = await kill(), quiet = left === 0 ? 1 : 0; quiet < 2; quiet = left === 0 ? quiet + 1 : 0) {
    await pause(20, undefined, { signal: call.signal })
    left = await kill()
  }
}
