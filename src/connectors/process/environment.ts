import { type Answer, done, type Evidence } from '../../kit/answer.ts'
import type { Attestation, Presented } from '../../kit/consumer.ts'
import { Secret } from '../../kit/secret.ts'
import { processEnv } from '../../outside/process/index.ts'

/**
 * Which credential stands in the environment that a process was started with. Only entries in which the two differ say anything;
 * all of them that are there have to agree, and where one of the two lacks an entry its absence counts. `unseen` when none is there: the
 * process read the value in another way.
 */
export function attestEnvironment(pid: number, next: Presented, old: Presented | undefined): Answer<Attestation> {
  const environment = processEnv(pid)
  if (environment === undefined) return saw('unseen', 'inferred', { environment: 'unreadable' })
  const keys = [...new Set([...Object.keys(next.entries), ...Object.keys(old?.entries ?? {})])]
  const taken = keys.some((key) => environment.has(key))
  const lacked = (key: string): boolean => taken && old !== undefined && (next.entries[key] === undefined || old.entries[key] === undefined)
  const telling = keys.filter((key) => !isSame(next.entries[key], old?.entries[key]) && (environment.has(key) || lacked(key)))
  if (telling.length === 0) return saw('unseen', 'inferred', { compared: 0 })
  const holds = (which: Presented | undefined): boolean =>
    which !== undefined && telling.every((key) => isSame(environment.get(key), which.entries[key]))
  const held = holds(next) ? 'new' : holds(old) ? 'old' : 'neither'
  return saw(held, 'process', { compared: telling.length })
}

/** An empty variable is as good as none: no reader takes a key from it. */
function isSame(one: Secret | undefined, other: Secret | undefined): boolean {
  return (one ?? NOTHING).equals(other ?? NOTHING)
}

const NOTHING = new Secret('')

function saw(holds: Attestation['holds'], by: 'process' | 'inferred', evidence: Evidence): Answer<Attestation> {
  return done({ holds, by, evidence })
}
