import { resolve } from 'node:path'
import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import { type Container, inspect, parsed } from './container.ts'
import { copyOf } from './copy.ts'
import { type Engine, succeeded } from './engine.ts'
import { readEnvFile } from './env-file.ts'
import { afterEffect, untilNobody } from './health-gate.ts'
import type { ConsumerConfig, ContainerConfig } from './manifest.ts'
import { isReady } from './replicas.ts'
import type { Target } from './target.ts'

/**
 * One container that `docker run` made. The next one is created beside it, the old one stops, they change names, the next one
 * starts. Only when that one is ready is the old one taken away; when it is not, the old one comes back.
 */
export function singleTarget(config: ConsumerConfig, { name, envFile }: ContainerConfig, engine: Engine, host: Host): Target {
  const [next, old] = [`${name}-keyturn-next`, `${name}-keyturn-old`]
  const steadyFor = durationOf(config.steadyFor)
  const act = async (method: 'POST' | 'DELETE', path: string, call: Call, fine: readonly number[] = []): Promise<Answer<Buffer>> =>
    succeeded(await engine.ask(method, path, call), name, fine)
  const rename = (from: string, to: string, call: Call): Promise<Answer<Buffer>> => act('POST', `/containers/${from}/rename?name=${to}`, call)
  const remove = (which: string, call: Call): Promise<Answer<Buffer>> => act('DELETE', `/containers/${which}?force=1`, call, [404])

  return {
    title: name,
    identity: ['container', name],
    count: 1,
    look: async (call) => {
      const seen = await inspect(engine, name, call)
      return seen.is === 'done' ? done([{ name, container: seen.value }]) : seen
    },
    preflight: async (call) => {
      const seen = await inspect(engine, name, call)
      if (seen.is !== 'done') return seen
      if (seen.value === undefined) return refused('CONSUMER_MISSING', name)
      const fit = prepare(seen.value)
      return fit.is === 'done' ? done({ notices: [`${name} is away while it is replaced`] }) : fit
    },
    reload: async (call, _pace, without) => {
      const settled = await settle(call)
      if (settled.is !== 'done') return settled
      const current = settled.value
      if (without.includes(name) && current?.State.Running !== true) return done(0)
      if (current === undefined) return refused('CONSUMER_MISSING', name)
      const replaced = await replace(current, call)
      return replaced.is === 'done' ? done(1) : replaced
    },
  }

  function prepare({ HostConfig, Config }: Container): ReturnType<typeof readEnvFile> {
    if (HostConfig.AutoRemove) return refused('PRECONDITION_FAILED', `${name} was started with --rm: what is stopped could not come back`)
    if (Config.Labels['com.docker.compose.service'] !== undefined) return refused('PRECONDITION_FAILED', `${name} belongs to a compose project: name its service under \`compose\``)
    return readEnvFile(resolve(host.base, envFile), 'the env file of docker')
  }

  /** Ends what a killed run began, and answers with the container that has the name then. */
  async function settle(call: Call): Promise<Answer<Container | undefined>> {
    const [current, before, begun] = [await inspect(engine, name, call), await inspect(engine, old, call), await inspect(engine, next, call)]
    if (current.is !== 'done') return current
    if (before.is !== 'done') return before
    if (begun.is !== 'done') return begun
    if (begun.value !== undefined) {
      const removed = await remove(next, call)
      if (removed.is !== 'done') return removed
    }
    if (before.value === undefined) return current
    if (current.value !== undefined) {
      const ready = isReady(current.value, steadyFor, host.now())
      const removed = await remove(ready ? old : name, call)
      if (removed.is !== 'done' || ready) return removed.is === 'done' ? current : afterEffect(removed)
    }
    const back = await rename(old, name, call)
    return back.is === 'done' ? inspect(engine, name, call) : afterEffect(back)
  }

  async function replace(current: Container, call: Call): Promise<Answer<void>> {
    const entries = prepare(current)
    if (entries.is !== 'done') return entries
    const image = await imageOf(engine, current, call)
    if (image.is !== 'done') return image
    const { body, more } = copyOf(current, entries.value, image.value)
    const created = succeeded(await engine.ask('POST', `/containers/create?name=${next}`, call, body), name)
    if (created.is !== 'done') return created
    for (const { network, endpoint } of more) {
      const connected = succeeded(await engine.ask('POST', `/networks/${encodeURIComponent(network)}/connect`, call, { Container: next, EndpointConfig: endpoint }), name)
      if (connected.is !== 'done') return afterEffect(connected)
    }
    const ready = await changePlaces(current, call)
    if (ready.is !== 'done') return call.signal.aborted ? ready : bringBack(ready, call)
    const removed = await remove(old, call)
    return removed.is === 'done' ? done(undefined) : afterEffect(removed)
  }

  async function changePlaces({ Id }: Container, call: Call): Promise<Answer<void>> {
    const moves = [
      () => act('POST', `/containers/${Id}/stop`, call, [304]),
      () => rename(name, old, call),
      () => rename(next, name, call),
      () => act('POST', `/containers/${name}/start`, call, [304]),
    ]
    for (const move of moves) {
      const moved = await move()
      if (moved.is !== 'done') return afterEffect(moved)
    }
    const look: Target['look'] = async (limit) => {
      const seen = await inspect(engine, name, limit)
      return seen.is === 'done' ? done([{ name, container: seen.value }]) : seen
    }
    return untilNobody((all) => all.find(({ container }) => container === undefined || !isReady(container, steadyFor, host.now()))?.name, look, durationOf(config.readyWithin), call)
  }

  /** The next one does not work: the old one serves again. Answers what was wrong. */
  async function bringBack(wrong: Answer<void>, call: Call): Promise<Answer<void>> {
    const settled = await settle(call)
    const started = settled.is === 'done' && settled.value !== undefined ? await act('POST', `/containers/${name}/start`, call, [304]) : settled
    if (wrong.is === 'done' || wrong.is === 'ask') return wrong
    return unknown(wrong.code, wrong.about, { ...wrong.evidence, oldStarted: started.is === 'done' })
  }
}

/** The name of its image while that still leads to the same one; else the id, so that a reload brings no other program. */
async function imageOf(engine: Engine, { Image, Config }: Container, call: Call): Promise<Answer<string>> {
  const answer = await engine.ask('GET', `/images/${Config.Image}/json`, call)
  if (answer.is === 'done' && answer.value.status === 404) return done(Image)
  const body = succeeded(answer, Config.Image)
  if (body.is !== 'done') return body
  const named = parsed(z.looseObject({ Id: z.string() }), body.value)
  return named.is === 'done' ? done(named.value.Id === Image ? Config.Image : Image) : named
}
