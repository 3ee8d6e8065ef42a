import { z } from 'zod'
import type { Path } from './source.ts'

/** A JSON Schema, as far as it is looked into here. */
export interface Shape {
  readonly description?: string
  /** Set by `.meta({ reference: true })`: only a reference may stand here. */
  readonly reference?: boolean
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly items?: Shape
  readonly prefixItems?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly allOf?: readonly Shape[]
  readonly [other: string]: unknown
}

/** What people write for this schema, as JSON Schema 2020-12; parts that have no such form are left open. Pure. */
export function shapeOf(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape
}

/** The keys that a map at this path may have, over all its alternatives. */
export function keysAt(shape: Shape, path: Path): string[] {
  const keys = shapesAt(shape, path).flatMap((each) => Object.keys(each.properties ?? {}))
  return [...new Set(keys)]
}

/** What is said about the value at this path, without its full stop; undefined when nothing is. */
export function describedAt(shape: Shape, path: Path): string | undefined {
  return shapesAt(shape, path)
    .find((each) => each.description !== undefined)
    ?.description?.replace(/\.$/, '')
}

/** Whether only a reference may stand at this path. */
export function takesReference(shape: Shape, path: Path): boolean {
  return shapesAt(shape, path).some((each) => each.reference === true)
}

function shapesAt(shape: Shape, path: Path): Shape[] {
  const [segment, ...rest] = path
  const here = [shape, ...alternatives(shape)]
  if (segment === undefined) return here
  return here.flatMap((each) => {
    const child = typeof segment === 'number' ? (each.prefixItems?.[segment] ?? each.items) : memberOf(each, segment)
    return child === undefined ? [] : shapesAt(child, rest)
  })
}

function alternatives(shape: Shape): Shape[] {
  const own = [...(shape.anyOf ?? []), ...(shape.oneOf ?? []), ...(shape.allOf ?? [])]
  return own.flatMap((each) => [each, ...alternatives(each)])
}

function memberOf(shape: Shape, key: string): Shape | undefined {
  const { properties = {}, additionalProperties } = shape
  if (Object.hasOwn(properties, key)) return properties[key]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}
