import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { type Compose, findCompose, madeBy } from './compose.ts'
import { anonymousVolumes, type Container, withLabels } from './container.ts'
import { type Engine, succeeded } from './engine.ts'
import { afterEffect, untilNobody } from './health-gate.ts'
import type { ComposeConfig, ConsumerConfig } from './manifest.ts'
import { isReady, type Replica } from './replicas.ts'
import type { Target } from './target.ts'

/** The service of a compose project. Its instances are alike: `web-1` is the container with the lowest number that there is. */
export function serviceTarget(config: ConsumerConfig, compose: ComposeConfig, engine: Engine, host: Host): Target {
  const { project, service, scale } = compose
  const look = async (call: Pick<Call, 'signal'>): Promise<Answer<readonly Replica[]>> => {
    const labels = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`, 'com.docker.compose.oneoff=False']
    const listed = await withLabels(engine, labels, call)
    if (listed.is !== 'done') return listed
    const containers = listed.value.toSorted((one, other) => numberOf(one) - numberOf(other))
    const count = Math.max(scale, containers.length)
    return done(Array.from({ length: count }, (_, at) => ({ name: `${service}-${at + 1}`, container: containers[at] })))
  }
  /** What has to hold before anything is touched. */
  const prepare = async (all: readonly Replica[], call: Call): Promise<Answer<Compose>> => {
    if (all.length > scale) return refused('PRECONDITION_FAILED', `${service} has ${all.length} containers, and \`scale\` says ${scale}`)
    const [made] = all.flatMap(({ container }) => container ?? [])
    const found = await findCompose(compose, config.socket, made === undefined ? undefined : madeBy(made), host, call)
    if (found.is !== 'done') return found
    const services = await found.value.services(call)
    if (services.is !== 'done') return services
    if (!services.value.includes(service)) return refused('CONSUMER_MISSING', `${service} in the compose files`)
    const volatile = all.find(({ container }) => scale > 1 && container !== undefined && anonymousVolumes(container).length > 0)
    if (volatile !== undefined) return refused('PRECONDITION_FAILED', `${volatile.name} has a volume without a name, which a new container would not get; name it in the compose file`)
    return found
  }

  return {
    title: `${project}/${service}`,
    identity: ['compose', project, service],
    count: scale,
    look,
    preflight: async (call) => {
      const seen = await look(call)
      if (seen.is !== 'done') return seen
      const prepared = await prepare(seen.value, call)
      if (prepared.is !== 'done') return prepared
      const absent = seen.value.find(({ container }) => container === undefined)
      if (absent !== undefined) return refused('CONSUMER_MISSING', absent.name)
      const notices = scale > 1 ? [] : [`${service} has one instance, which is away while it is replaced`]
      const other = seen.value.some(({ container }) => container !== undefined && madeBy(container) !== prepared.value.generation)
      return done({ notices: other ? [...notices, `${service} was made by another generation of compose than the one that is here`] : notices })
    },
    reload: async (call, pace, without) => {
      const seen = await look(call)
      if (seen.is !== 'done') return seen
      const prepared = await prepare(seen.value, call)
      if (prepared.is !== 'done') return prepared
      const left = seen.value.filter(({ name, container }) => without.includes(name) && container?.State.Running !== true)
      const before = seen.value.filter((replica) => !left.includes(replica))
      if (before.length === 0) return done(0)
      // Compose would start it again with the others.
      for (const { container, name } of left) {
        const removed = container === undefined ? done(undefined) : await remove(engine, container, name, call)
        if (removed.is !== 'done') return afterEffect(removed)
      }
      const replaced = await replaceAll(before, prepared.value, pace, call)
      return replaced.is === 'done' ? done(before.length) : replaced
    },
  }

  async function replaceAll(before: readonly Replica[], { up }: Compose, pace: 'rolling' | 'at-once', call: Call): Promise<Answer<void>> {
    const wanted = before.length
    const old = new Set(before.flatMap(({ container }) => container?.Id ?? []))
    const steadyFor = durationOf(config.steadyFor)
    /** So many as there have to be, and those that are new are ready. */
    const gate = async (mayStay: (id: string) => boolean): Promise<Answer<void>> => untilNobody((all) => {
      const there = all.filter(({ container }) => container !== undefined)
      if (there.length !== wanted) return service
      return there.find(({ container }) => container !== undefined && !(old.has(container.Id) ? mayStay(container.Id) : isReady(container, steadyFor, host.now())))?.name
    }, look, durationOf(config.readyWithin), call)

    if (pace === 'at-once' || wanted === 1) {
      const asked = await up('all', wanted, call)
      return asked.is === 'done' ? gate(() => false) : asked
    }
    // First those that serve nobody: then there are as many that do as there can be.
    const order = before.toSorted((one, other) => rank(one) - rank(other))
    const remaining = new Set(old)
    for (const { name, container } of order) {
      if (container !== undefined) {
        const removed = await remove(engine, container, name, call)
        if (removed.is !== 'done') return afterEffect(removed)
        remaining.delete(container.Id)
      }
      const next = await up('only-missing', wanted, call)
      const ready = next.is === 'done' ? await gate((id) => remaining.has(id)) : next
      if (ready.is !== 'done') return afterEffect(ready)
    }
    return done(undefined)

    function rank({ container }: Replica): number {
      return container === undefined ? 0 : isReady(container, steadyFor, host.now()) ? 2 : 1
    }
  }
}

function numberOf({ Config: { Labels } }: Container): number {
  return Number(Labels['com.docker.compose.container-number'] ?? 0)
}

/** Stops it in the time that it has for that, and takes it away; its named volumes stay. One that is gone is fine. */
async function remove(engine: Engine, { Id }: Container, name: string, call: Call): Promise<Answer<void>> {
  const stopped = succeeded(await engine.ask('POST', `/containers/${Id}/stop`, call), name, [304, 404])
  if (stopped.is !== 'done') return stopped
  const removed = succeeded(await engine.ask('DELETE', `/containers/${Id}`, call), name, [404])
  return removed.is === 'done' ? done(undefined) : removed
}
