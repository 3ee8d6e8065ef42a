import { type Answer, type Call, KeyturnError, placeLabel, reduceCause, refused, unknown } from '../../kit/index.ts'
import type { Target } from './target.ts'

/** The server said no. Its text may quote what it was given, so it is kept for {@link ServerRefusal.says} alone. */
export class ServerRefusal extends Error {
  /** The first word of the answer: `WRONGPASS`, `NOPERM`, `ERR`. */
  readonly word: string
  readonly #text: string

  constructor(text: string) {
    super('the server refused a command')
    this.name = 'ServerRefusal'
    this.word = /^[A-Z]{2,20}/.exec(text)?.[0] ?? 'ERR'
    this.#text = text
  }

  /** Whether its text is of this kind. */
  says(kind: RegExp): boolean {
    return kind.test(this.#text)
  }
}

/** The word of the server, the code of an error of the socket (`ECONNREFUSED`), or a word for it. */
export function wordOf(thrown: unknown): string {
  if (thrown instanceof ServerRefusal) return thrown.word
  const { code } = reduceCause(thrown)
  return code !== undefined && /^[A-Z_]{3,40}$/.test(code) ? code : 'CONNECTION_LOST'
}

/**
 * What an error means. `lost` says how to answer when the server gave no verdict: `refused` as long as nothing that could have an
 * effect was sent, `unknown` otherwise and for reads.
 */
export function failure(thrown: unknown, call: Call, lost: 'refused' | 'unknown', place?: Pick<Target, 'host' | 'port'>): Answer<never> {
  if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
  const about = place === undefined ? undefined : placeLabel(place.host, place.port)
  const lostAnswer = lost === 'refused' ? refused : unknown
  if (call.signal.aborted) return lostAnswer('DEADLINE', about)
  const evidence = { word: wordOf(thrown) }
  if (!(thrown instanceof ServerRefusal)) return lostAnswer('UNREACHABLE', about, evidence)
  if (thrown.word === 'NOPERM') return refused('RIGHTS_MISSING', 'the server denied a command to the admin', evidence)
  // It answers nothing else until its data set is read, or its primary is there.
  if (/^(LOADING|MASTERDOWN|BUSY)$/.test(thrown.word)) return lostAnswer('UNREACHABLE', about, evidence)
  return unknown('SERVER_ERROR', about, evidence)
}

/** What a failed login of the admin means. */
export function loginFailure(thrown: unknown, call: Call, lost: 'refused' | 'unknown', place: Pick<Target, 'host' | 'port'>): Answer<never> {
  const about = placeLabel(place.host, place.port)
  if (thrown instanceof ServerRefusal && /^(WRONGPASS|NOAUTH)$/.test(thrown.word)) return refused('ADMIN_REJECTED', about, { word: thrown.word })
  if (thrown instanceof ServerRefusal && thrown.says(/max number of clients/)) return refused('SLOTS_FULL', `${about} has no connection left for the admin`)
  return failure(thrown, call, lost, place)
}
