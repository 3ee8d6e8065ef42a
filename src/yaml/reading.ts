import type { z } from 'zod'
import type { Problem, Registry } from '../kit/index.ts'
import type { Place } from '../manifest/model.ts'
import { explain, nameOf, valueAt } from './explain.ts'
import { shapeOf, type Shape } from './shape.ts'
import type { Path, Source } from './source.ts'

/** What the readers of one manifest share: its source, the connectors, and the list that they report to. */
export interface Reading {
  readonly source: Source
  readonly registry: Registry
  readonly problems: Problem[]
  /** The files of stores, as written, that git is asked about. */
  readonly files: { readonly file: string; readonly place: Place }[]
  /** What people write for a schema, each worked out once. */
  shape(schema: z.ZodType): Shape
}

/** Begins to read; nothing is looked at yet. */
export function beginReading(source: Source, registry: Registry): Reading {
  const shapes = new Map<z.ZodType, Shape>()
  const shape = (schema: z.ZodType): Shape => {
    const known = shapes.get(schema) ?? shapeOf(schema)
    shapes.set(schema, known)
    return known
  }
  return { source, registry, problems: [], files: [], shape }
}

/** Adds a problem at the key or the value of a path. */
export function report(reading: Reading, path: Path, on: 'key' | 'value', what: string, write: string): void {
  reading.problems.push({ place: on === 'key' ? reading.source.key(path) : reading.source.at(path), what, write })
}

/**
 * Validates a value of the manifest, the one at the path unless another is given; reports every issue of it and answers
 * undefined when there is one. `more` are keys that belong there beside those of the schema.
 */
export function validate<S extends z.ZodType>(
  reading: Reading,
  schema: S,
  path: Path,
  value: unknown = valueAt(reading.source.value, path),
  more: readonly string[] = [],
): z.output<S> | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    for (const each of explain(issue, value, reading.shape(schema), nameOf(path), more)) {
      report(reading, [...path, ...each.path], each.on, each.what, each.write)
    }
  }
  return undefined
}

/** The keys of a map that was read from YAML; undefined when it is none. */
export function asMap(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isMap(value) ? value : undefined
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** The items of a list that was read from YAML; none when it is no list (which its schema reports). */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
