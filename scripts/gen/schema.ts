import type { z } from 'zod'
import type { ConnectorManifest, Family } from '../../src/kit/index.ts'
import {
  bindingSchema,
  defaultsSchema,
  engineKeys,
  issuerAttestSchema,
  manifestSchema,
  secretName,
  secretSchema,
  waveSchema,
  type Block,
} from '../../src/yaml/schema.ts'
import { shapeOf, type Shape } from '../../src/yaml/shape.ts'

const ref = (name: string) => ({ $ref: `#/$defs/${name}` })

const blocks = [
  ['sealing', 'sealer'],
  ['notifier', 'notifier'],
  ['issuer', 'issuer'],
  ['store', 'store'],
  ['consumer', 'consumer'],
  ['attest', 'attestor'],
  ['check', 'check'],
  ['preflight', 'check'],
] as const satisfies readonly (readonly [Block, Family])[]

/** `schema/keyturn.schema.json`: JSON Schema 2020-12 of the manifest, for editors; a definition for each family of each connector. */
export function schemaFile(manifests: readonly ConnectorManifest[]): string {
  const top = written(manifestSchema)
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'keyturn manifest',
    ...top,
    properties: {
      ...top.properties,
      secrets: {
        type: 'object',
        description: top.properties?.secrets?.description,
        minProperties: 1,
        propertyNames: { type: 'string', pattern: secretName.source },
        additionalProperties: ref('secret'),
      },
    },
    $defs: {
      defaults: written(defaultsSchema),
      secret: written(secretSchema),
      wave: { anyOf: [written(waveSchema), ref('consumer')] },
      binding: written(bindingSchema),
      reference: { type: 'string', pattern: String.raw`\$\{(${schemesOf(manifests)}):[^{}]+\}` },
      ...Object.fromEntries(blocks.flatMap(([block, family]) => definitions(block, family, manifests))),
    },
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

function definitions(
  block: (typeof blocks)[number][0],
  family: Family,
  manifests: readonly ConnectorManifest[],
): [string, unknown][] {
  const each = manifests.flatMap((manifest): [string, Shape][] => {
    const schema = manifest.families[family]
    if (schema === undefined) return []
    const engine = written(engineKeys[block])
    const [first] = manifest.strategies ?? []
    const strategy: Shape = { ...engine.properties?.strategy, enum: manifest.strategies, default: first }
    const own = block === 'issuer' ? { ...engine, properties: { ...engine.properties, strategy } } : engine
    return [
      [manifest.id, { title: manifest.title, description: manifest.summary, ...withUse(manifest.id, written(schema), own) }],
    ]
  })
  if (block === 'attest') each.unshift(['issuer', withUse('issuer', written(issuerAttestSchema), {})])
  const all = {
    type: 'object',
    required: ['use'],
    properties: { use: { enum: each.map(([id]) => id) } },
    oneOf: each.map(([id]) => ref(`${block}.${id}`)),
  }
  return [[block, all], ...each.map(([id, shape]): [string, unknown] => [`${block}.${id}`, shape])]
}

/** What a reference may begin with, as alternatives of a regular expression. */
function schemesOf(manifests: readonly ConnectorManifest[]): string {
  return manifests.flatMap(({ id, families }) => (families.reference === undefined ? [] : [id])).join('|')
}

/** A connector's configuration with `use` and the engine's keys beside it; in each alternative, where there are some. */
function withUse(id: string, shape: Shape, engine: Shape): Shape {
  const alternatives = shape.anyOf ?? shape.oneOf
  if (alternatives !== undefined) return { oneOf: alternatives.map((each) => withUse(id, each, engine)) }
  const required = [...listOf(engine.required), ...listOf(shape.required)].filter((key) => key !== 'strategy')
  return {
    ...shape,
    properties: {
      use: { const: id },
      ...engine.properties,
      ...shape.properties,
      ...(engine.properties?.strategy && { strategy: engine.properties.strategy }),
    },
    required: ['use', ...required],
  }
}

/** What people write for a zod schema, with our marks turned into what JSON Schema knows. */
function written(schema: z.ZodType): Shape {
  const { $schema: _, ...shape } = shapeOf(schema)
  return unmarked(shape) as Shape
}

function unmarked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmarked)
  if (value === null || typeof value !== 'object') return value
  const { holds, reference, ...rest } = value as { holds?: unknown; reference?: unknown }
  const kept = Object.fromEntries(Object.entries(rest).map(([key, child]) => [key, unmarked(child)]))
  if (typeof holds === 'string') return { ...kept, ...ref(holds) }
  return reference === true ? { ...kept, ...ref('reference') } : kept
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
