import { z } from 'zod'
import { type Answer, done, unknown } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { type Engine, succeeded } from './engine.ts'

const text = z.string().nullish().transform((each) => each ?? '')
const texts = z.array(z.string()).nullish().transform((each) => each ?? [])

const summary = z.looseObject({ Id: z.string(), Labels: z.record(z.string(), z.string()).nullish() })

/** The part of an inspection that is used; all of it is kept, for the copy. */
export const inspected = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  /** The id of the image; `Config.Image` is its name. */
  Image: text,
  State: z.looseObject({
    Running: z.boolean(),
    Paused: z.boolean().default(false),
    Restarting: z.boolean().default(false),
    /** Of the first process, in the daemon's own pid namespace; 0 when there is none. */
    Pid: z.int().default(0),
    /** `0001-01-01T00:00:00Z` when it never was. */
    StartedAt: z.string(),
    Health: z.looseObject({ Status: z.string() }).nullish(),
  }),
  Config: z.looseObject({
    Image: text,
    Hostname: text,
    Env: texts,
    Labels: z.record(z.string(), z.string()).nullish().transform((each) => each ?? {}),
  }),
  HostConfig: z.looseObject({
    AutoRemove: z.boolean().default(false),
    PidMode: text,
    NetworkMode: text,
    UTSMode: text,
    Binds: texts,
    Mounts: z.array(z.looseObject({ Target: text })).nullish().transform((each) => each ?? []),
  }),
  Mounts: z.array(z.looseObject({ Type: text, Name: text, Destination: text, RW: z.boolean().default(true) })).nullish().transform((each) => each ?? []),
  NetworkSettings: z.looseObject({ Networks: z.record(z.string(), z.looseObject({})).nullish().transform((each) => each ?? {}) }),
})

/** What the engine says of one container (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerInspect). */
export type Container = z.infer<typeof inspected>

/** One container by its id or name, undefined when there is none. Its environment is in it: never to be passed on. */
export async function inspect(engine: Engine, which: string, call: Pick<Call, 'signal'>): Promise<Answer<Container | undefined>> {
  const answer = await engine.ask('GET', `/containers/${encodeURIComponent(which)}/json`, call)
  if (answer.is === 'done' && answer.value.status === 404) return done(undefined)
  const body = succeeded(answer, which)
  return body.is === 'done' ? parsed(inspected, body.value) : body
}

/** All containers with these labels, running or not, as they are now; those that vanish meanwhile are left out. */
export async function withLabels(engine: Engine, labels: readonly string[], call: Pick<Call, 'signal'>): Promise<Answer<readonly Container[]>> {
  const filters = encodeURIComponent(JSON.stringify({ label: labels }))
  const body = succeeded(await engine.ask('GET', `/containers/json?all=1&filters=${filters}`, call), 'containers')
  if (body.is !== 'done') return body
  const listed = parsed(z.array(summary), body.value)
  if (listed.is !== 'done') return listed
  const all: Container[] = []
  for (const { Id } of listed.value) {
    const one = await inspect(engine, Id, call)
    if (one.is !== 'done') return one
    if (one.value !== undefined) all.push(one.value)
  }
  return done(all)
}

/** Data of the engine as its schema has it; `unknown` RESPONSE_UNFIT when it has not. */
export function parsed<T>(schema: z.ZodType<T>, body: Buffer): Answer<T> {
  try {
    const read = schema.safeParse(JSON.parse(body.toString('utf8')))
    return read.success ? done(read.data) : unknown('RESPONSE_UNFIT', 'docker')
  } catch {
    return unknown('RESPONSE_UNFIT', 'docker')
  }
}

/** Volumes that its own settings do not name: made for it, or taken from another container. The next one would begin without them. */
export function anonymousVolumes({ HostConfig: { Binds, Mounts: mounted }, Mounts }: Container): Container['Mounts'] {
  const named = new Set([...Binds.map((bind) => bind.split(':')[1]), ...mounted.map(({ Target }) => Target)])
  return Mounts.filter(({ Type, Destination }) => Type === 'volume' && !named.has(Destination))
}
