import { z } from 'zod'
import { type Answer, done, label, placeLabel, refused, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Use } from '../../kit/issuer.ts'
import { request } from '../../outside/http/index.ts'
import { ownName } from '../../outside/nats/index.ts'

/** So many connections come with one reply, which has to stay below what is read of a body. */
const PAGE = 512

const varzSchema = z.object({
  server_id: z.string(),
  version: z.string(),
  now: z.iso.datetime({ offset: true }),
  config_load_time: z.string(),
  connections: z.number(),
  max_connections: z.number(),
  auth_required: z.boolean().default(false),
})

const connzSchema = z.object({
  now: z.iso.datetime({ offset: true }),
  total: z.number(),
  connections: z.array(z.object({ name: z.string().default(''), ip: z.string().default(''), authorized_user: z.string().default('') })).nullish(),
})

const routezSchema = z.object({ routes: z.array(z.object({ remote_id: z.string() })).nullish() })

/** What a server says of itself. */
export type Varz = z.infer<typeof varzSchema>

/** One open connection. */
export interface Connection {
  /** The name of its user, or the public key. */
  readonly id: string
  /** What the client calls itself, and its address. */
  readonly by: string
}

/** https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#general-information-varz */
export function readVarz(monitor: string, call: Pick<Call, 'signal'>): Promise<Answer<Varz>> {
  return ask(monitor, '/varz', varzSchema, call)
}

/** Everybody's connections but keyturn's own, and the server's clock, unix ms. */
export async function readConnections(monitor: string, call: Pick<Call, 'signal'>): Promise<Answer<{ readonly all: readonly Connection[]; readonly now: number }>> {
  const all: Connection[] = []
  for (let offset = 0; ; offset += PAGE) {
    const page = await ask(monitor, `/connz?auth=1&subs=0&limit=${PAGE}&offset=${offset}`, connzSchema, call)
    if (page.is !== 'done') return page
    const { connections, total, now } = page.value
    for (const { name, ip, authorized_user: id } of connections ?? []) {
      if (name !== ownName) all.push({ id, by: label(`${name === '' ? 'unnamed' : name}@${ip}`) })
    }
    if (total <= offset + PAGE) return done({ all, now: Date.parse(now) })
  }
}

/** The ids of the servers that this one is in a cluster with. */
export async function readRoutes(monitor: string, call: Pick<Call, 'signal'>): Promise<Answer<readonly string[]>> {
  const answer = await ask(monitor, '/routez', routezSchema, call)
  return answer.is === 'done' ? done([...new Set((answer.value.routes ?? []).map(({ remote_id }) => remote_id))]) : answer
}

/** Who uses this credential, one line for each name and address. Pure. */
export function usesOf(all: readonly Connection[], id: string): readonly Use[] {
  const counts = new Map<string, number>()
  for (const one of all) if (one.id === id) counts.set(one.by, (counts.get(one.by) ?? 0) + 1)
  return [...counts].map(([by, count]) => ({ by, count }))
}

async function ask<T>(monitor: string, path: string, schema: z.ZodType<T>, call: Pick<Call, 'signal'>): Promise<Answer<T>> {
  const { hostname, port } = new URL(monitor)
  const about = `the monitoring port ${placeLabel(hostname.replaceAll(/[[\]]/g, ''), Number(port))}`
  const answer = await request({ method: 'GET', url: `${monitor.replace(/\/+$/, '')}${path}` }, call)
  if (answer.is !== 'done') return answer
  if (answer.value.status !== 200) return unknown('SERVER_ERROR', about, { status: answer.value.status })
  const parsed = schema.safeParse(documentOf(answer.value.text))
  return parsed.success ? done(parsed.data) : refused('RESPONSE_UNFIT', about)
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
