import { createHash } from 'node:crypto'
import { generate } from '../../kit/generate.ts'
import type { Credential } from '../../kit/issuer.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import type { IssuerConfig } from './issuer-schema.ts'

type Named = Pick<IssuerConfig, 'principal' | 'fields' | 'id'>

/** The id of a credential that is not made yet. It is never sent: a provider may have one of that name. */
export const PENDING = 'pending'

/** Lower-case letters and digits: a fresh id goes anywhere. */
const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 16

/** Which credential has these fields; undefined when they tell none. */
export function idOf({ principal, fields: kinds, id }: Named, fields: Fields): string | undefined {
  if (id === undefined) return 'id' in kinds ? nonEmpty(fields['id']?.reveal()) : principal
  const value = nonEmpty(fields[id.field]?.reveal())
  if (value === undefined) return undefined
  if (id.matches === undefined) return createHash('sha256').update(value, 'utf8').digest('hex')
  return nonEmpty(new RegExp(id.matches, 'u').exec(value)?.[1])
}

/** What to mint next: a placeholder for what the provider makes, else a fresh value beside the plain fields that are in use. */
export function propose(config: IssuerConfig, current: Credential): Credential {
  if (config.traits.value === 'made') return { id: PENDING, fields: {} }
  const { alphabet, length } = config.generate
  const fields: Record<string, Secret> = {}
  for (const [name, kind] of Object.entries(config.fields)) {
    const kept = current.fields[name]
    if (kind === 'secret') fields[name] = new Secret(generate(alphabet, length))
    else if (name === 'id' && config.traits.mint === 'adds') fields[name] = new Secret(`kt-${generate(ID_ALPHABET, ID_LENGTH)}`)
    else if (kept !== undefined) fields[name] = kept
  }
  return { id: idOf(config, fields) ?? PENDING, fields }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text
}
