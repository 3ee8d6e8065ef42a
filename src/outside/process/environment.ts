import { readFileSync } from 'node:fs'
import { Secret } from '../../kit/secret.ts'

const INHERITED = /^(PATH|HOME|LANG|LC_[A-Z]+|TZ|USER|TMPDIR)$/

/**
 * The environment of a child: an allow-list (PATH, HOME, LANG, LC_*, TZ, USER, TMPDIR) of `from`, and what was asked for by
 * name. Nothing else of ours reaches a child, so a reference such as `${env:PG_ADMIN_URL}` stays with us.
 */
export function childEnvironment(
  from: Readonly<Record<string, string | undefined>>,
  add: Readonly<Record<string, string | Secret>> = {},
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [key, value] of Object.entries(from)) {
    if (value !== undefined && INHERITED.test(key)) environment[key] = value
  }
  for (const [key, value] of Object.entries(add)) environment[key] = value instanceof Secret ? value.reveal() : value
  return environment
}

/**
 * The environment with which a process was started, by key: `/proc/PID/environ` (proc(5)). What the process changed in its own
 * memory since does not show. Undefined when it cannot be read: another user's process, a process that is gone, not Linux.
 */
export function processEnv(pid: number): ReadonlyMap<string, Secret> | undefined {
  let bytes: string
  try {
    bytes = readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    return undefined
  }
  const entries = new Map<string, Secret>()
  for (const line of bytes.split('\0')) {
    const at = line.indexOf('=')
    if (at > 0) entries.set(line.slice(0, at), new Secret(line.slice(at + 1)))
  }
  return entries
}
