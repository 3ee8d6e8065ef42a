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

/** The same credential with every secret field wrong, in the shape of the right one: its characters in another order are too. */
export function wrongOf({ fields: kinds }: Named, { id, fields }: Credential): Credential {
  const wrong = Object.entries(fields).map(([name, value]) => [name, kinds[name] === 'secret' ? new Secret(changed(value.reveal())) : value] as const)
  return { id, fields: Object.fromEntries(wrong) }
}

const KINDS = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz', '0123456789']

/** Another character of the same kind in the middle: prefixes, checksums at the end and padding are less likely to be hit there. */
function changed(text: string): string {
  const middle = Math.floor(text.length / 2)
  const at = [...text].findIndex((character, index) => index >= middle && KINDS.some((kind) => kind.includes(character)))
  const kind = KINDS.find((each) => each.includes(text.charAt(at)))
  if (at === -1 || kind === undefined) return `${text}x`
  const other = kind.charAt((kind.indexOf(text.charAt(at)) + 1) % kind.length)
  return text.slice(0, at) + other + text.slice(at + 1)
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text
}
