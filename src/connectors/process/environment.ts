import { type Answer, done, type Evidence } from '../../kit/answer.ts'
import type { Attestation, Presented } from '../../kit/consumer.ts'
import { processEnv } from '../../outside/process/index.ts'

/**
 * Which credential stands in the environment that a process was started with. Only entries in which the two differ say anything;
 * all of them that are there have to agree. `unseen` when none is there: the process read the value in another way.
 */
export function attestEnvironment(pid: number, next: Presented, old: Presented | undefined): Answer<Attestation> {
  const environment = processEnv(pid)
  if (environment === undefined) return saw('unseen', 'inferred', { environment: 'unreadable' })
  const differing = Object.keys(next.entries).filter((key) => next.entries[key]?.equals(old?.entries[key]) === false)
  const telling = differing.filter((key) => environment.has(key))
  if (telling.length === 0) return saw('unseen', 'inferred', { compared: 0 })
  const holds = (which: Presented | undefined): boolean =>
    which !== undefined && telling.every((key) => environment.get(key)?.equals(which.entries[key]) === true)
  const held = holds(next) ? 'new' : holds(old) ? 'old' : 'neither'
  return saw(held, 'process', { compared: telling.length })
}

function saw(holds: Attestation['holds'], by: 'process' | 'inferred', evidence: Evidence): Answer<Attestation> {
  return done({ holds, by, evidence })
}
