import type { ConnectorManifest, Family } from '../../src/kit/index.ts'
import { engineKeys } from '../../src/yaml/schema.ts'
import { shapeOf, type Shape } from '../../src/yaml/shape.ts'

const reserved: Readonly<Record<Family, readonly string[]>> = {
  issuer: [],
  store: Object.keys(engineKeys.store.shape),
  consumer: Object.keys(engineKeys.consumer.shape),
  check: Object.keys(engineKeys.check.shape),
  attestor: [],
  notifier: [],
  reference: [],
  sealer: [],
}

/** What the type of a descriptor cannot say, and what is wrong with it by that. */
export function faultsOf(manifest: ConnectorManifest): readonly string[] {
  const faults: string[] = []
  const families = Object.entries(manifest.families) as [Family, NonNullable<ConnectorManifest['families'][Family]>][]
  if (families.length === 0) faults.push('serves no family')
  if (manifest.links.length === 0) faults.push('has no link to where its facts come from')
  if (manifest.id === 'issuer') faults.push("`issuer` is the name of the engine's own attestor")
  const issues = manifest.families.issuer !== undefined
  if (issues !== (manifest.fields !== undefined)) faults.push('`fields` belong to an issuer, and an issuer has them')
  if (issues !== (manifest.strategies !== undefined)) faults.push('`strategies` belong to an issuer, and an issuer has them')
  for (const [family, schema] of families) {
    const shape = shapeOf(schema)
    if (JSON.stringify(shape).includes('"$ref"')) faults.push(`${family}: the schema refers to itself`)
    for (const key of ['use', ...reserved[family]]) {
      if (shape.properties !== undefined && Object.hasOwn(shape.properties, key))
        faults.push(`${family}: \`${key}\` is the engine's`)
    }
    if (family === 'issuer' && manifest.fields === 'configured' && shape.properties?.['fields'] === undefined)
      faults.push('issuer: no key `fields`, which is said to name them')
    if (family === 'reference' && (shape.type !== 'string' || shape.description === undefined))
      faults.push('reference: the schema of a name is a text with a description')
    faults.push(...faultsOfShape(shape, family))
  }
  return faults.map((fault) => `${manifest.id}: ${fault}`)
}

function faultsOfShape(shape: Shape, path: string): string[] {
  const members = Object.entries(shape.properties ?? {})
  const open = shape.properties !== undefined && shape.additionalProperties !== false ? [`${path}: not a strict object`] : []
  const undescribed = members
    .filter(([, member]) => member.description === undefined)
    .map(([key]) => `${path}.${key}: not described`)
  const below = [
    ...members.map(([key, member]) => [member, `${path}.${key}`] as const),
    ...[...(shape.anyOf ?? []), ...(shape.oneOf ?? []), ...(shape.allOf ?? [])].map((each) => [each, path] as const),
    ...(shape.items === undefined ? [] : [[shape.items, `${path}[]`] as const]),
    ...(typeof shape.additionalProperties === 'object' ? [[shape.additionalProperties, `${path}.*`] as const] : []),
  ]
  return [...open, ...undescribed, ...below.flatMap(([each, name]) => faultsOfShape(each, name))]
}
