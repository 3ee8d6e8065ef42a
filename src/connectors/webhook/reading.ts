import type { z } from 'zod'
import { type Answer, done, unknown } from '../../kit/answer.ts'
import { durationOf } from '../../kit/duration.ts'
import type { CredentialState, Known, Observation } from '../../kit/issuer.ts'
import type { Fields } from '../../kit/secret.ts'
import { Secret } from '../../kit/secret.ts'
import { jsonAt } from '../../outside/expectation.ts'
import type { HttpResponse } from '../../outside/http/index.ts'
import type { mintedSchema } from './answers.ts'
import type { IssuerConfig } from './issuer-schema.ts'

/** Where a credential stands in an answer. */
export type MintedAt = z.infer<typeof mintedSchema>
type List = NonNullable<IssuerConfig['list']>
type Item = List['item']

/** Above this a number is Unix time in milliseconds, below it in seconds: the year 5138, and 1973. */
const MILLISECONDS_FROM = 1e11

/** What the answer to `mint` or `collect` holds. The provider acted, so an answer that does not fit leaves the outcome unknown. */
export function readMinted(response: HttpResponse, at: MintedAt, about: string): Answer<{ readonly id?: string; readonly fields: Fields }> {
  const document = documentOf(response)
  const fields: Record<string, Secret> = {}
  for (const [name, path] of Object.entries(at.fields)) {
    const text = textAt(document, path)
    if (text === undefined) return unknown('RESPONSE_UNFIT', `${about} answers no ${name}`)
    fields[name] = new Secret(text)
  }
  if (at.id === undefined) return done({ fields })
  const id = textAt(document, at.id)
  return id === undefined ? unknown('RESPONSE_UNFIT', `${about} answers no id`) : done({ id, fields })
}

/**
 * What the list says. An item that cannot be read makes the whole list unfit: a credential that is overlooked would be taken for
 * one that does not exist. `now` is used where the server shows no clock.
 */
export function readListed(response: HttpResponse, list: List, principal: string, now: number, about: string): Answer<Observation> {
  const document = documentOf(response)
  const items = list.items === undefined ? document : jsonAt(document, list.items)
  if (!Array.isArray(items)) return unknown('RESPONSE_UNFIT', `${about} answers no list`)
  const clock = list.clock === undefined ? response.date : timeOf(jsonAt(document, list.clock))
  if (clock === 'unfit' || (list.clock !== undefined && clock === undefined)) return unknown('RESPONSE_UNFIT', `${about} answers no clock`)
  const known: Known[] = []
  for (const item of items.filter((each) => isOurs(each, list.item))) {
    const read = readItem(item, list, principal, clock ?? now)
    if (read === undefined) return unknown('RESPONSE_UNFIT', `${about} answers an item that cannot be read`)
    known.push(read)
  }
  const { complete } = list
  const whole = typeof complete === 'boolean' ? complete : Object.entries(complete).every(([path, value]) => jsonAt(document, path) === value)
  const seesUse = list.item.uses !== undefined || list.item.lastUsed !== undefined
  const seenUpTo = seesUse ? (clock ?? now) - (list.lag === undefined ? 0 : durationOf(list.lag)) : 0
  return done({ known, complete: whole, seenUpTo, ...(clock === undefined ? {} : { clock }) })
}

function isOurs(item: unknown, { where = {} }: Item): boolean {
  return Object.entries(where).every(([path, wanted]) => {
    const found = jsonAt(item, path)
    if (typeof wanted !== 'object' || wanted === null) return found === wanted
    return typeof found === 'string' && new RegExp(wanted.matches, 'u').test(found)
  })
}

function readItem(item: unknown, list: List, principal: string, clock: number): Known | undefined {
  const { item: at } = list
  const id = at.id === undefined ? principal : textAt(item, at.id)
  const count = at.uses === undefined ? 0 : jsonAt(item, at.uses)
  const last = at.lastUsed === undefined ? undefined : timeOf(jsonAt(item, at.lastUsed))
  const expires = at.expires === undefined ? undefined : timeOf(jsonAt(item, at.expires))
  if (id === undefined || typeof count !== 'number' || last === 'unfit' || expires === 'unfit') return undefined
  const recently = last !== undefined && clock - last <= durationOf(list.recent)
  const by = count > 0 ? { by: 'somebody', count } : { by: 'somebody-lately', count: 1 }
  const tag = tagOf(item, at)
  return { id, state: stateOf(item, at), uses: count > 0 || recently ? [by] : [], ...(tag === undefined ? {} : { tag }), ...(expires === undefined ? {} : { expiresAt: expires }) }
}

function stateOf(item: unknown, { state }: Item): CredentialState {
  if (state === undefined) return 'on'
  const found = jsonAt(item, state.path)
  const says = (values: readonly unknown[]): boolean => values.includes(found)
  return says(state.gone) ? 'gone' : says(state.off) ? 'off' : 'on'
}

function tagOf(item: unknown, { tag }: Item): string | undefined {
  if (tag === undefined) return undefined
  const text = textAt(item, typeof tag === 'string' ? tag : tag.path)
  return typeof tag === 'string' || text === undefined ? text : new RegExp(tag.matches, 'u').exec(text)?.[1]
}

/** Undefined when it is not there or null: never. A time without a zone could be any of many. */
function timeOf(value: unknown): number | 'unfit' | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number') return value < MILLISECONDS_FROM ? value * 1000 : value
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)$/i.test(value)) return 'unfit'
  const time = Date.parse(value)
  return Number.isNaN(time) ? 'unfit' : time
}

/** A text, or a number that is one without loss. Empty is not there. */
function textAt(document: unknown, path: string): string | undefined {
  const found = jsonAt(document, path)
  if (typeof found === 'string' && found !== '') return found
  return Number.isSafeInteger(found) ? String(found) : undefined
}

/** The JSON document; undefined when it is none, or not whole. */
function documentOf({ text, complete }: HttpResponse): unknown {
  if (!complete) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
