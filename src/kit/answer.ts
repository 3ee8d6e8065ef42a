import type { Code } from './code.ts'

/** Numbers, booleans and short labels that say what was seen. Never a value, never free text from outside: see {@link label}. */
export type Evidence = Readonly<Record<string, string | number | boolean>>

/** What a person is asked to do when no API can. */
export interface TaskRequest {
  /**
   * - `mint`: make the credential and hand in its fields; it is sealed, then proven like any other.
   * - `end`: end the credential that is named; the proof that it is dead follows.
   * - `confirm`: say that what the step is about is so; the person's word stands in the journal for the proof.
   * - `prepare`: put something right; then the step is attempted again.
   */
  readonly kind: 'mint' | 'end' | 'confirm' | 'prepare'
  /** One line, imperative. */
  readonly title: string
  /** The steps, in keyturn's own words. */
  readonly steps: readonly string[]
  /** For `mint`: the names of the fields that are asked for, with `receivers` of those that are handed over; all of the issuer's secret ones when absent. */
  readonly fields?: readonly string[]
  /** For `confirm`: the outside receivers, by name. Each is handed `fields` by a person, and each says by itself that it took them. */
  readonly receivers?: readonly string[]
  /** How long after it was asked it should be done, ms; a day when absent. Then people are reminded, again after each such time. */
  readonly due?: number
}

/**
 * The outcome of touching the outside.
 * - `done`: it happened, here is what came back.
 * - `refused`: it certainly did not happen.
 * - `unknown`: it may or may not have happened (a timeout, a 5xx, a cut connection); settled by looking.
 * - `ask`: only a person can do it.
 */
export type Answer<T> =
  | { readonly is: 'done'; readonly value: T }
  | { readonly is: 'refused' | 'unknown'; readonly code: Code; readonly about?: string; readonly evidence?: Evidence }
  | { readonly is: 'ask'; readonly task: TaskRequest }

/** It happened. */
export function done<T>(value: T): Answer<T> {
  return { is: 'done', value }
}

/** It certainly had no effect. `about` is in keyturn's own words and names things, never values. */
export function refused(code: Code, about?: string, evidence?: Evidence): Answer<never> {
  return { is: 'refused', code, ...(about === undefined ? {} : { about }), ...(evidence === undefined ? {} : { evidence }) }
}

/** It may have had an effect. */
export function unknown(code: Code, about?: string, evidence?: Evidence): Answer<never> {
  return { is: 'unknown', code, ...(about === undefined ? {} : { about }), ...(evidence === undefined ? {} : { evidence }) }
}

/** Only a person can do it. */
export function ask(task: TaskRequest): Answer<never> {
  return { is: 'ask', task }
}

/** Makes a short label of text from outside (an application name, an address): other characters become `?`, at most 64 stay. */
export function label(text: string): string {
  return plain(text).slice(0, 64)
}

/** Where a server is, for messages: `db.example:5432`, `[::1]:80`, of a Unix socket `/run/postgresql:5432`. Nothing else of a URL. */
export function placeLabel(host: string, port: number): string {
  // The longest name of a host (RFC 1035, 2.3.4).
  const shown = plain(host).slice(0, 253)
  return shown.includes(':') && !shown.startsWith('/') ? `[${shown}]:${port}` : `${shown}:${port}`
}

function plain(text: string): string {
  return text.replaceAll(/[^\w.:@/+-]/g, '?')
}
