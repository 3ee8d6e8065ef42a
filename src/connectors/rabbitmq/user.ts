import { z } from 'zod'
import { type Use, label, refused } from '../../kit/index.ts'
import { type Api, pathOf, Stopped } from './api.ts'

const tags = z.union([z.array(z.string()), z.string().transform((text) => text.split(',').filter((tag) => tag !== ''))])
const userSchema = z.object({ name: z.string(), tags })
const permission = z.object({ vhost: z.string(), configure: z.string(), write: z.string(), read: z.string() })
const topic = z.object({ vhost: z.string(), exchange: z.string(), write: z.string(), read: z.string() })
const limits = z.array(z.object({ value: z.record(z.string(), z.number()) }))
const connections = z.array(z.object({ name: z.string(), user: z.string(), vhost: z.string().optional() }))

/** What a user is and may do: everything but its password, which is never asked for. */
export interface User {
  readonly name: string
  readonly tags: readonly string[]
  readonly permissions: readonly z.infer<typeof permission>[]
  readonly topics: readonly z.infer<typeof topic>[]
  readonly limits: Readonly<Record<string, number>>
}

/** The limit that turns a user off: nobody can log in to AMQP any more, and what it was before is the other user's. */
export const OFF = 'max-connections'

/** Whether it is turned off. */
export function isOff({ limits: own }: Pick<User, 'limits'>): boolean {
  return own[OFF] === 0
}

function fits<T>(schema: z.ZodType<T>, body: unknown): T {
  const read = schema.safeParse(body)
  if (!read.success) throw new Stopped(refused('RESPONSE_UNFIT', 'not what the management API of RabbitMQ answers'))
  return read.data
}

/** Reads a user; undefined when it does not exist. `columns` leaves the hash of its password with the server. */
export async function readUser(api: Api, name: string): Promise<User | undefined> {
  const said = await api.get(`${pathOf('users', name)}?columns=name,tags`)
  if (said === undefined) return undefined
  const [permissions, topics, limited] = [
    await api.get(pathOf('users', name, 'permissions')), await api.get(pathOf('users', name, 'topic-permissions')), await api.get(pathOf('user-limits', name)),
  ]
  return {
    name, tags: fits(userSchema, said.body).tags,
    permissions: fits(z.array(permission), permissions?.body ?? []), topics: fits(z.array(topic), topics?.body ?? []),
    limits: Object.assign({}, ...fits(limits, limited?.body ?? []).map(({ value }) => value)),
  }
}

/** A connection as the broker itself tracks it, at once and not by its statistics, which come seconds later. */
export type Connection = z.infer<typeof connections>[number]

/** The connections of a user. */
export async function readConnections(api: Api, user: string): Promise<readonly Connection[]> {
  const said = await api.get(pathOf('connections', 'username', user))
  return fits(connections, said?.body ?? []).filter((one) => one.user === user)
}

/** Who is logged in, by the virtual host and the address: a connection's name begins with the latter. */
export function usesOf(open: readonly Connection[]): readonly Use[] {
  const counts = new Map<string, number>()
  for (const { name, vhost } of open) {
    const by = `${label(vhost ?? '')}@${label(name.replace(/:\d+ -> .*$/, ''))}`
    counts.set(by, (counts.get(by) ?? 0) + 1)
  }
  return [...counts].map(([by, count]) => ({ by, count }))
}
