import { createHash } from 'node:crypto'
import type { Secret } from '../kit/secret.ts'

/**
 * Run inside of a container with a nonce and names: one line for each name, the SHA-256 of nonce, value and line feed, or `none`. The
 * value goes from `/proc/1/environ` (proc(5)) into a pipe and nowhere else. Zero bytes and line feeds change places first, so that a
 * value with a line feed is still one line. Runs with dash, bash and busybox.
 */
const LOOK = `LC_ALL=C; export LC_ALL; n=$1; shift
lines() { tr '\\000\\n' '\\n\\001' </proc/1/environ; }
lines >/dev/null || exit 3
for k; do
  if lines | grep -q "^$k="; then { printf %s "$n"; lines | sed -n "s/^$k=//p" | head -n 1; } | sha256sum; else echo none; fi
done`

/** The command that prints fingerprints of these variables of the first process that it sees; no value stands in it. */
export function lookAtEnvironment(nonce: string, keys: readonly string[]): readonly string[] {
  return ['sh', '-c', LOOK, 'sh', nonce, ...keys]
}

/** What {@link lookAtEnvironment} prints of a value. Salted with the nonce: it means nothing anywhere else, or at another time. */
export function fingerprintOf(nonce: string, value: Secret): string {
  return createHash('sha256').update(`${nonce}${value.reveal().replaceAll('\n', '\u0001')}\n`).digest('hex')
}

/** The fingerprints in what it printed, of those variables that are there; undefined when it printed something else. */
export function fingerprintsIn(printed: string, keys: readonly string[]): ReadonlyMap<string, string> | undefined {
  const lines = printed.split('\n').slice(0, -1)
  if (lines.length !== keys.length) return undefined
  const found = keys.map((key, at) => [key, lines[at]?.split(' ')[0] ?? ''] as const).filter(([, line]) => line !== 'none')
  return found.every(([, line]) => /^[0-9a-f]{64}$/.test(line)) ? new Map(found) : undefined
}
