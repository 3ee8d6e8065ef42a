import { type Answer, refused, unknown } from '../../kit/answer.ts'
import type { Code } from '../../kit/code.ts'
import { reduceCause } from '../../kit/error.ts'

const MEANING: Readonly<Record<string, Code>> = {
  ENOENT: 'STORE_MISSING',
  ENOTDIR: 'STORE_MISSING',
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  EFBIG: 'STORE_FULL',
  ELOOP: 'STORE_UNSAFE',
}

/** What the system's error means for a file: no room, no such file, a loop of links, else no right to it. Names path, errno. */
export function fileRefusal(thrown: unknown, path: string): Answer<never> {
  const { code } = reduceCause(thrown)
  if (code === undefined) return refused('INTERNAL', path)
  return refused(MEANING[code] ?? 'STORE_DENIED', path, { errno: code })
}

/** The same, where it cannot be said that nothing changed. */
export function asUnknown(answer: Answer<never>): Answer<never> {
  return answer.is === 'refused' ? unknown(answer.code, answer.about, answer.evidence) : answer
}
