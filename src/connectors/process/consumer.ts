import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, type Ms, resourceKey } from '../../kit/call.ts'
import type { Consumer, Instance } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'
import { isReady } from '../../outside/http/index.ts'
import { fillArgv, findCommand, resolveEnvironment, runChild, succeeded } from '../../outside/process/index.ts'
import { attestEnvironment } from './environment.ts'
import type { ConsumerConfig } from './manifest.ts'
import { readPidFile, realPath, type Running } from './pid-file.ts'

type Configured = ConsumerConfig['instances'][number]

/** How often a process that was reloaded is looked at. */
const POLL: Ms = 50

/** Processes with pid files, reloaded one after the other; the first that does not become ready again ends the reload. */
export function openConsumer(config: ConsumerConfig, host: Host): Consumer {
  const { instances, reload } = config
  const pathOf = ({ pidFile }: Configured): string => realPath(pidFile, host.base)
  const title = config.name ?? instances.map(({ name }) => name).join(', ')
  const command = 'restart' in reload ? reload.restart : undefined

  return {
    traits: {
      // A signal does not change the environment that a process was started with, and only Linux shows it.
      attest: command !== undefined && process.platform === 'linux' ? 'process' : 'none',
      reload: command === undefined ? 'graceful' : 'restart',
      takes: durationOf(config.takes) * instances.length,
      local: true,
    },
    identity: () => resourceKey('consumer', 'process', ...instances.map(pathOf).sort()),
    title: () => `process ${title}`,
    preflight: async () => preflight(instances, pathOf, command, host.base),
    instances: async (call) => {
      const seen = await Promise.all(instances.map((instance) => look(instance, pathOf(instance), call)))
      return done({ all: seen.map(({ listed }) => listed), complete: seen.every(({ denied }) => !denied) })
    },
    reload: async (call, pace = 'rolling', without = []) => {
      const before = instances
        .map((instance) => ({ instance, path: pathOf(instance), running: readPidFile(pathOf(instance)) }))
        .filter(({ instance, running }) => running !== 'gone' || !without.includes(instance.name))
      // Nothing is signalled before all of them are known to be there.
      const absent = before.find(({ running }) => running === 'gone')
      if (command === undefined && absent !== undefined) return refused('CONSUMER_MISSING', absent.instance.name)
      const began = Date.now()
      const waiting: (() => Promise<Answer<void>>)[] = []
      for (const [at, { instance, path }] of before.entries()) {
        const asked = await askOne(instance, path, config, host, call)
        const ready = asked.is === 'done' ? (): Promise<Answer<void>> => untilReady(instance, path, asked.value, durationOf(config.readyWithin), call) : undefined
        if (pace === 'at-once' && ready !== undefined) waiting.push(ready)
        const answer = ready === undefined ? asked : pace === 'at-once' ? done(undefined) : await ready()
        if (answer.is === 'done') continue
        // Of the whole it can no longer be said that nothing happened.
        if (answer.is === 'refused' && at > 0) return unknown(answer.code, answer.about, { ...answer.evidence, reloaded: at })
        return answer
      }
      // All at once: each was asked before the first is waited for.
      for (const ready of waiting) {
        const answer = await ready()
        if (answer.is !== 'done') return answer
      }
      return done({ evidence: { reloaded: before.length, took: Date.now() - began } })
    },
    attest: async (instance, next, old) => {
      const configured = instances.find(({ name }) => name === instance.name)
      const running = configured === undefined ? 'gone' : readPidFile(pathOf(configured))
      // Another process under the same name is another instance: it has to be listed first.
      const same = typeof running !== 'string' && running.mark === instance.id
      if (!same || command === undefined) return done({ holds: 'unseen', by: 'inferred', evidence: { running: same } })
      return attestEnvironment(running.pid, next, old)
    },
  }
}

function preflight(
  instances: readonly Configured[],
  pathOf: (instance: Configured) => string,
  command: readonly string[] | undefined,
  base: string,
): Answer<{ readonly notices: readonly string[] }> {
  for (const instance of instances) {
    const running = readPidFile(pathOf(instance))
    if (running === 'denied') return refused('RIGHTS_MISSING', `to read the pid file of ${instance.name}`)
    if (running === 'gone') return refused('CONSUMER_MISSING', instance.name)
    const denied = command === undefined && signal(running.pid, 0) === 'denied'
    if (denied) return refused('RIGHTS_MISSING', `to signal ${instance.name}`)
  }
  const program = command?.[0]
  const found = program === undefined || findCommand(program, base, process.env['PATH'] ?? '') !== undefined
  return found ? done({ notices: [] }) : refused('COMMAND_MISSING', program)
}

/** Signal 0 only asks whether it would be possible (kill(2)). */
function signal(pid: number, name: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  try {
    process.kill(pid, name)
    return 'sent'
  } catch (thrown) {
    return reduceCause(thrown).code === 'ESRCH' ? 'gone' : 'denied'
  }
}

interface Look { readonly listed: Instance; readonly denied: boolean }

async function look(instance: Configured, path: string, call: Pick<Call, 'signal'>): Promise<Look> {
  const running = readPidFile(path)
  if (typeof running === 'string') {
    return { listed: { id: `${instance.name}:${running}`, name: instance.name, ready: false }, denied: running === 'denied' }
  }
  const { mark, startedAt } = running
  const ready = instance.ready === undefined || (await isReady(instance.ready, call))
  return { listed: { id: mark, name: instance.name, ready, ...(startedAt === undefined ? {} : { startedAt }) }, denied: false }
}

/** Signals or restarts one instance. Answers with the process that must no longer be the one. */
async function askOne(
  instance: Configured,
  path: string,
  config: ConsumerConfig,
  host: Host,
  call: Call,
): Promise<Answer<Running | undefined>> {
  const before = readPidFile(path)
  if (before === 'denied') return refused('RIGHTS_MISSING', `to read the pid file of ${instance.name}`)
  if (call.signal.aborted) return refused('DEADLINE', instance.name)
  if ('signal' in config.reload) {
    if (before === 'gone') return refused('CONSUMER_MISSING', instance.name)
    const sent = signal(before.pid, config.reload.signal)
    if (sent === 'denied') return refused('RIGHTS_MISSING', `to signal ${instance.name}`)
    if (sent === 'gone') return refused('CONSUMER_MISSING', instance.name)
  } else {
    const ran = await restart(instance, config.reload, host, call)
    if (ran.is !== 'done') return ran
  }
  return done('signal' in config.reload || before === 'gone' ? undefined : before)
}

async function restart(
  { name }: Configured,
  { restart: words, env }: Extract<ConsumerConfig['reload'], { restart: unknown }>,
  host: Host,
  call: Call,
): Promise<Answer<unknown>> {
  let resolved: Awaited<ReturnType<typeof resolveEnvironment>>
  try {
    resolved = await resolveEnvironment(env, host, call)
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
  const argv = fillArgv(words, { name: [name] })
  return succeeded(await runChild({ argv, cwd: host.base, env: resolved, quiet: true, lock: call.lock }, call), name)
}

/** Waits until the pid file names a process, another one than `not`, that is ready in two looks that follow each other. */
async function untilReady(
  instance: Configured,
  path: string,
  not: Running | undefined,
  within: Ms,
  call: Call,
): Promise<Answer<void>> {
  const limit = AbortSignal.any([call.signal, AbortSignal.timeout(within)])
  let readyBefore: string | undefined
  while (!limit.aborted) {
    const running = readPidFile(path)
    const mark = typeof running === 'string' || running.mark === not?.mark ? undefined : running.mark
    const { ready: url } = instance
    const ready = mark !== undefined && (url === undefined || (await isReady(url, { signal: limit })))
    // A process that dies of the signal is still there at the first look.
    if (ready && mark === readyBefore) return done(undefined)
    readyBefore = ready ? mark : undefined
    await wait(POLL, undefined, { signal: limit }).catch(() => undefined)
  }
  return call.signal.aborted ? unknown('DEADLINE', instance.name) : unknown('CONSUMER_UNREADY', instance.name)
}
