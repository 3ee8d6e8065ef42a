import type { z } from 'zod'
import type { Manifest, Used } from '../manifest/model.ts'
import { CONDITIONS } from '../telling/condition.ts'
import { KINDS } from '../telling/kind.ts'
import type { Route } from '../telling/route.ts'
import { closeBlock, openBlock } from './block.ts'
import { valueAt } from './explain.ts'
import { suggest } from './nearest.ts'
import { asList, asMap, report, type Reading } from './reading.ts'
import type { manifestSchema } from './schema.ts'
import type { Path } from './source.ts'
import type { escalationSchema, routeSchema } from './telling-schema.ts'

type Written = z.output<typeof manifestSchema> | undefined

/** Reads who is told of what; reports names that there are not. Without `notifiers` the names under `notify` are words for people. */
export function readTelling(reading: Reading, top: Written): Pick<Manifest, 'notifiers' | 'routes'> {
  const named = asMap(valueAt(reading.source.value, ['notifiers']))
  const notifiers = Object.entries(named ?? {}).flatMap(([name]) => {
    const used = readNotifier(reading, ['notifiers', name])
    return used === undefined ? [] : [[name, used] as const]
  })
  checkNames(reading, named === undefined ? undefined : Object.keys(named))
  const routes = [...(top?.routes ?? []).map((row, index) => routeOf(reading, index, row)), ...(top?.escalation ?? []).map((row, index) => escalationOf(reading, index, row))]
  return { ...(named === undefined ? {} : { notifiers: Object.fromEntries(notifiers) }), ...(routes.length === 0 ? {} : { routes }) }
}

function readNotifier(reading: Reading, path: Path): Used | undefined {
  const block = openBlock(reading, 'notifier', path)
  return block === undefined ? undefined : closeBlock(reading, 'notifier', path, block)
}

function routeOf(reading: Reading, index: number, { kind, to, ...filter }: z.output<typeof routeSchema>): Route {
  const kinds = listOf(kind)
  if (kinds !== undefined) checkKinds(reading, ['routes', index, 'kind'], kind, kinds)
  return { ...filterOf(reading, ['routes', index], filter), ...(kinds === undefined ? {} : { kind: kinds }), to }
}

function escalationOf(reading: Reading, index: number, { when, do: actions, contacts = [], link, to = [], ...filter }: z.output<typeof escalationSchema>): Route {
  const kind = listOf(when) ?? []
  checkKinds(reading, ['escalation', index, 'when'], when, kind)
  return { ...filterOf(reading, ['escalation', index], filter), kind, to, advice: { actions, contacts, ...(link === undefined ? {} : { link }) } }
}

function filterOf(reading: Reading, path: Path, { severity, owner, secret, environment }: Omit<z.output<typeof routeSchema>, 'kind' | 'to'>): Omit<Route, 'kind' | 'to'> {
  const secrets = Object.keys(asMap(valueAt(reading.source.value, ['secrets'])) ?? {})
  for (const [at, name] of (listOf(secret) ?? []).entries()) {
    if (!secrets.includes(name)) report(reading, placeOf([...path, 'secret'], secret, at), 'value', 'there is no such secret', suggest(name, secrets))
  }
  const lists = { owner: listOf(owner), secret: listOf(secret), environment: listOf(environment) }
  return { ...(severity === undefined ? {} : { severity }), ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list !== undefined)) }
}

function checkKinds(reading: Reading, path: Path, written: unknown, kinds: readonly string[]): void {
  const known = [...Object.keys(KINDS), ...Object.keys(CONDITIONS)]
  for (const [at, kind] of kinds.entries()) {
    if (!known.includes(kind)) report(reading, placeOf(path, written, at), 'value', 'there is no such kind of notice and no such condition', suggest(kind, known))
  }
}

/** Every place that names notifiers, as far as it is sound. */
function checkNames(reading: Reading, names: readonly string[] | undefined): void {
  const at = (path: Path): unknown => valueAt(reading.source.value, path)
  const secrets = Object.keys(asMap(at(['secrets'])) ?? {}).map((name) => ['secrets', name])
  const rows = ['routes', 'escalation'].flatMap((key) => asList(at([key])).map((_, index) => [key, index, 'to']))
  const told = [...rows, ...secrets.map((path) => [...path, 'notice', 'to'])]
  for (const path of names === undefined ? told : [...told, ['defaults', 'notify'], ...secrets.map((secret) => [...secret, 'notify'])]) {
    for (const [index, name] of asList(at(path)).entries()) {
      if (typeof name === 'string' && names?.includes(name) !== true) report(reading, [...path, index], 'value', 'there is no such notifier', names === undefined ? '`notifiers:` with it' : suggest(name, names))
    }
  }
}

/** One word, or a list. */
function listOf<T>(written: T | readonly T[] | undefined): readonly T[] | undefined {
  return written === undefined ? undefined : Array.isArray(written) ? (written as readonly T[]) : [written as T]
}

function placeOf(path: Path, written: unknown, index: number): Path {
  return Array.isArray(written) ? [...path, index] : path
}
