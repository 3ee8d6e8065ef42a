import { z } from 'zod'
import { label } from '../../kit/answer.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Use } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { ownName } from '../../outside/nats/index.ts'
import type { Servers } from './account.ts'
import { parseJson } from './json.ts'
import type { Session } from './session.ts'
import { readUser } from './user.ts'

/** So many connections come with one reply: each shows its JWT, and a reply is a message. */
const PAGE = 256

const replySchema = z.object({
  data: z.object({
    server_id: z.string(),
    now: z.string(),
    total: z.number(),
    connections: z.array(z.object({
      name: z.string().default(''),
      ip: z.string().default(''),
      authorized_user: z.string().default(''),
      jwt: z.string().optional(),
    })).nullish(),
  }),
})

/** One open connection of the account. */
export interface Connection {
  /** The public key of its user. */
  readonly id: string
  /** What the client calls itself. */
  readonly client: string
  readonly ip: string
  /** The name in its JWT; empty when it is not shown. */
  readonly user: string
}

/** What is connected to all servers. */
export interface Connections {
  readonly all: readonly Connection[]
  /** By the clock of the server that is furthest behind, unix ms. */
  readonly now: number
}

/**
 * The connections of an account at every server, keyturn's own left out (`$SYS.REQ.SERVER.PING.CONNZ`: what `/connz?auth=1&subs=0` of
 * the monitoring port shows). Throws UNREACHABLE when a server does not answer: what is not seen is not quiet.
 */
export async function readConnections(session: Session, account: string, servers: Servers): Promise<Connections> {
  const all: Connection[] = []
  let now = Infinity
  for (let [offset, more] = [0, true]; more; offset += PAGE) {
    const asked = JSON.stringify({ auth: true, subscriptions: false, acc: account, offset, limit: PAGE, sort: 'cid' })
    const replies = await session.gather('$SYS.REQ.SERVER.PING.CONNZ', asked, (each) => each.length >= servers.count)
    const read = replies.map((reply) => replySchema.safeParse(parseJson(reply)).data?.data)
    const known = read.filter((one) => one !== undefined)
    if (new Set(known.map((one) => one.server_id)).size < servers.count) throw new KeyturnError('UNREACHABLE', `${known.length} of ${servers.count} servers list their connections`)
    for (const one of known) {
      now = Math.min(now, Date.parse(one.now))
      for (const { name, ip, authorized_user, jwt } of one.connections ?? []) {
        if (name === ownName) continue
        all.push({ id: authorized_user, client: name, ip, user: readUser(jwt === undefined ? undefined : new Secret(jwt))?.name ?? '' })
      }
    }
    more = known.some((one) => one.total > offset + PAGE)
  }
  if (!Number.isFinite(now)) throw new KeyturnError('RESPONSE_UNFIT', 'a server does not tell the time')
  return { all, now }
}

/** Who uses this credential, one line for each name and address. Pure. */
export function usesOf({ all }: Connections, id: string): readonly Use[] {
  const counts = new Map<string, number>()
  for (const one of all) {
    const by = label(`${one.client === '' ? 'unnamed' : one.client}@${one.ip}`)
    if (one.id === id) counts.set(by, (counts.get(by) ?? 0) + 1)
  }
  return [...counts].map(([by, count]) => ({ by, count }))
}
