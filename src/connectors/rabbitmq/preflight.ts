import { z } from 'zod'
import { type Answer, type Preflight, done, label, refused } from '../../kit/index.ts'
import { type Api, pathOf } from './api.ts'
import { otherOf, type Principal } from './principal.ts'
import { isOff, readConnections, readUser, usesOf } from './user.ts'

const whoami = z.object({ name: z.string(), tags: z.union([z.array(z.string()), z.string()]) })
const vhostLimits = z.array(z.object({ value: z.record(z.string(), z.number()) }))
const overview = z.object({ rabbitmq_version: z.string() })

/** Whether mint and set would work, by what the admin can read. Changes nothing. */
export async function lookAhead(api: Api, principal: Principal, vhost: string, current: string): Promise<Answer<Preflight>> {
  const admin = whoami.safeParse((await api.get(pathOf('whoami')))?.body)
  const server = overview.safeParse((await api.get(`${pathOf('overview')}?columns=rabbitmq_version`))?.body)
  if (!admin.success || !server.success) return refused('RESPONSE_UNFIT', 'not what the management API of RabbitMQ answers')
  const { name, tags } = admin.data
  if (!(typeof tags === 'string' ? tags.split(',') : tags).includes('administrator')) return refused('RIGHTS_MISSING', `${label(name)} lacks the tag administrator`)
  // What keyturn itself works with is never ended (I4).
  if (principal.all.includes(name)) return refused('RIGHTS_MISSING', `the admin logs in as ${label(name)}, which is what is rotated; give another admin`)
  const user = await readUser(api, current)
  if (user === undefined) return refused('PRINCIPAL_MISSING', current)

  const next = otherOf(principal, current)
  const sessions = (await readConnections(api, current)).length
  const evidence = { server: label(server.data.rabbitmq_version), admin: label(name), user: label(current), next: label(next), sessions }
  if (principal.strategy === 'alternate') {
    const idle = await readUser(api, next)
    const uses = idle === undefined ? [] : usesOf(await readConnections(api, next))
    if (uses.length > 0) return refused('PRINCIPAL_IN_USE', `${next}: in use by ${uses.map(({ by, count }) => `${by} (${count})`).join(', ')}`)
    if (idle !== undefined && !isOff(idle)) return refused('PRINCIPAL_IN_USE', `${next}: it may log in, so somebody may have its password`)
  }
  const full = await whyFull(api, vhost, user.limits['max-connections'], principal, sessions)
  if (full !== undefined) return refused('SLOTS_FULL', full, evidence)
  return done({ evidence, fenced: false, notices: noticesOf(user.tags, principal) })
}

/** While consumers are replaced, old and new connections are open together. */
async function whyFull(api: Api, vhost: string, own: number | undefined, { strategy }: Principal, sessions: number): Promise<string | undefined> {
  const read = vhostLimits.safeParse((await api.get(pathOf('vhost-limits', vhost)))?.body)
  const most = read.success ? read.data.map(({ value }) => value['max-connections'] ?? -1).find((value) => value >= 0) : undefined
  if (most !== undefined) {
    const listed = (await api.get(`${pathOf('vhosts', vhost, 'connections')}?columns=name`))?.body
    const total = Math.max(sessions, Array.isArray(listed) ? listed.length : 0)
    if (total + sessions > most) return `virtual host ${label(vhost)} has ${total} connections, ${sessions} of them by this user, ${most} fit: a second pool does not`
  }
  if (strategy === 'in-place' && own !== undefined && 2 * sessions > own) return `the user has ${sessions} of ${own} connections: a second pool does not fit`
  return undefined
}

function noticesOf(tags: readonly string[], { strategy }: Principal): readonly string[] {
  const asks = tags.length > 0 && strategy === 'alternate'
  return [
    'unfenced: the management API cannot compare',
    ...(asks ? ['the user has tags: off keeps it out of AMQP, but not out of the management API; gone does both'] : []),
  ]
}
