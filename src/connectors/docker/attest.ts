import { readFileSync } from 'node:fs'
import { type Answer, done, type Evidence } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { freshNonce } from '../../kit/challenge.ts'
import type { Attestation, Presented } from '../../kit/consumer.ts'
import { Secret } from '../../kit/secret.ts'
import { fingerprintOf } from '../../outside/environ.ts'
import { processEnv } from '../../outside/process/index.ts'
import type { Container } from './container.ts'
import type { Engine } from './engine.ts'
import { lookInside } from './inside.ts'

/** What stands under one name in an environment, compared without being shown. */
type Has = (key: string, value: Secret | undefined) => boolean

/**
 * Which credential stands in the environment of a container's first process. It is looked at from inside, where only fingerprints
 * come out; where the container has no shell, in `/proc` of this machine; and where that cannot be read, the engine is asked what it
 * was created with, which is `inferred`. Only entries in which the two credentials differ say anything; all of them that are there
 * have to agree. `unseen` when none is there: the program gets the value in another way.
 */
export async function attestInside(engine: Engine, container: Container, next: Presented, old: Presented | undefined, call: Call): Promise<Answer<Attestation>> {
  const differing = Object.keys(next.entries).filter((key) => /^[A-Za-z_]\w*$/.test(key) && next.entries[key]?.equals(old?.entries[key]) === false)
  if (differing.length === 0) return saw('unseen', 'inferred', { compared: 0 })
  const nonce = freshNonce()
  const inside = await lookInside(engine, container, nonce, differing, call)
  if (inside !== undefined) {
    return judge('process', 'exec', [...inside.keys()], (key, value) => value !== undefined && inside.get(key) === fingerprintOf(nonce, value), next, old)
  }
  const beside = hostEnvironment(container)
  const from = beside ?? created(container)
  const telling = differing.filter((key) => from.has(key))
  return judge(beside === undefined ? 'inferred' : 'process', beside === undefined ? 'engine' : 'host', telling, (key, value) => from.get(key)?.equals(value) === true, next, old)
}

function judge(by: 'process' | 'inferred', from: string, telling: readonly string[], has: Has, next: Presented, old: Presented | undefined): Answer<Attestation> {
  const evidence = { compared: telling.length, from }
  if (telling.length === 0) return saw('unseen', 'inferred', evidence)
  const holds = (which: Presented | undefined): boolean => which !== undefined && telling.every((key) => has(key, which.entries[key]))
  return saw(holds(next) ? 'new' : holds(old) ? 'old' : 'neither', by, evidence)
}

function saw(holds: Attestation['holds'], by: 'process' | 'inferred', evidence: Evidence): Answer<Attestation> {
  return done({ holds, by, evidence })
}

/** Undefined when the number does not lead to this container here: keyturn may itself be in a container, or not be root. */
function hostEnvironment({ Id, State: { Pid } }: Container): ReadonlyMap<string, Secret> | undefined {
  if (Pid <= 1) return undefined
  try {
    if (!readFileSync(`/proc/${Pid}/cgroup`, 'utf8').includes(Id)) return undefined
  } catch {
    return undefined
  }
  return processEnv(Pid)
}

function created({ Config: { Env } }: Container): ReadonlyMap<string, Secret> {
  return new Map(Env.map((line) => {
    const [key = ''] = line.split('=', 1)
    return [key, new Secret(line.slice(key.length + 1))] as const
  }))
}
