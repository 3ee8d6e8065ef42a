import type { Due } from '../operations/due.ts'
import { moment } from './duration.ts'
import type { Paint } from './paint.ts'

/** One key of a store. */
export interface InventoryKey {
  readonly key: string
  /** Where it stands, 1-based; absent when it is not there, or in a store whose keys cannot be listed. */
  readonly line?: number
  /** Absent when the keys of the store cannot be listed. */
  readonly present?: boolean
}

/** One secret, as `inventory --json` gives it; times are ISO 8601. */
export interface InventorySecret {
  readonly name: string
  readonly owner?: string
  readonly environment: string
  readonly lifecycle: string
  readonly strategy: string
  /** The connector that makes it. */
  readonly issuer: string
  readonly impact: string
  readonly every?: string
  readonly on?: readonly string[]
  readonly notify?: readonly string[]
  /** How it stands to its `every`; see `due`. */
  readonly due: Due['state']
  /** When the last rotation that was done was opened; absent when this state has seen none. */
  readonly rotated?: string
  readonly rotation?: string
  readonly next?: string
  /** The rotation of it that is open now. */
  readonly open?: string
  readonly stores: readonly { readonly use: string; readonly title: string; readonly keys: readonly InventoryKey[] }[]
  /** Who reads it, wave after wave, and what proves that an instance holds a new value. */
  readonly consumers: readonly { readonly wave: number; readonly use: string; readonly title: string; readonly proof: string }[]
}

/** A key in one of the stores that no secret of the manifest covers; the name only. */
export interface Uncovered {
  readonly store: string
  readonly key: string
  readonly line: number
  /** By its name and the form of its value. */
  readonly looksSecret: boolean
}

export interface Inventory {
  readonly system: string
  readonly environment: string
  readonly secrets: readonly InventorySecret[]
  readonly notCovered: readonly Uncovered[]
  /** Stores whose keys could not be listed, and why. */
  readonly unread: readonly { readonly store: string; readonly why: string }[]
}

/** When it was rotated and when it has to be again, as fields of an {@link InventorySecret}. */
export function timesOf({ since, rotation, at, open }: Due): Pick<InventorySecret, 'rotated' | 'rotation' | 'next' | 'open'> {
  return {
    ...(since === undefined ? {} : { rotated: moment(since) }),
    ...(rotation === undefined ? {} : { rotation }),
    ...(at === undefined ? {} : { next: moment(at) }),
    ...(open === undefined ? {} : { open }),
  }
}

/** For people: a paragraph for each secret, then what nobody covers. */
export function inventoryLines({ system, environment, secrets, notCovered, unread }: Inventory, paint: Paint): string[] {
  const suspects = notCovered.filter(({ looksSecret }) => looksSecret)
  const others = notCovered.length - suspects.length
  return [
    paint.strong(`${system} (${environment}): ${count(secrets.length, 'secret')}`),
    ...secrets.flatMap((secret) => ['', ...secretLines(secret, paint)]),
    ...(notCovered.length === 0 ? [] : ['', paint.strong('Not covered by any secret')]),
    ...suspects.map(({ store, key, line }) => `  ${paint.warn(key)} in ${store}, line ${line}`),
    ...(others === 0 ? [] : [`  ${paint.dim(`${count(others, suspects.length === 0 ? 'key' : 'more key')}, not secret by name or form`)}`]),
    ...(unread.length === 0 ? [] : ['', paint.strong('Keys that could not be listed')]),
    ...unread.map(({ store, why }) => `  ${store}: ${why}`),
  ]
}

function secretLines(secret: InventorySecret, paint: Paint): string[] {
  const fact = (name: string, text: string): string => `  ${paint.dim(name.padEnd(12))}${text}`
  return [
    `${paint.strong(secret.name)}  ${secret.strategy} by ${secret.issuer}${secret.lifecycle === 'active' ? '' : `  ${paint.warn(secret.lifecycle)}`}`,
    fact('owner', secret.owner ?? paint.warn('nobody')),
    fact('rotated', rotatedText(secret, paint)),
    ...(secret.open === undefined ? [] : [fact('open', paint.warn(secret.open))]),
    ...(secret.impact === 'none' ? [] : [fact('users feel', secret.impact)]),
    ...secret.stores.map(({ title, keys }) => fact('store', `${title}: ${keys.map((key) => keyText(key, paint)).join(', ')}`)),
    ...secret.consumers.map(({ wave, title, proof }) => fact(`read by ${wave}`, `${title}${proof === 'none' ? paint.warn(', which proves nothing') : `, proof by ${proof}`}`)),
    ...(secret.consumers.length === 0 ? [fact('read by', paint.warn('nobody that the manifest names'))] : []),
  ]
}

function rotatedText({ rotated, next, every, due }: InventorySecret, paint: Paint): string {
  const last = rotated === undefined ? 'never by this state' : rotated.slice(0, 10)
  if (due === 'manual') return `${last}; it has no \`every\``
  if (due === 'never' || due === 'inactive') return `${last}; ${due === 'never' ? 'its `every` is never' : 'nothing rotates it'}`
  const then = next === undefined ? '' : `, next ${next.slice(0, 10)}`
  return `${last}; every ${every ?? ''}${then}${due === 'overdue' ? paint.bad(' (overdue)') : ''}`
}

function keyText({ key, line, present }: InventoryKey, paint: Paint): string {
  if (present === false) return paint.bad(`${key} (is not there)`)
  return line === undefined ? key : `${key} (line ${line})`
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
