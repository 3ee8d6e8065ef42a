import { type Answer, label } from '../kit/answer.ts'
import { KeyturnError } from '../kit/error.ts'
import type { Credential } from '../kit/issuer.ts'
import type { Sealer } from '../kit/sealer.ts'
import { Secret } from '../kit/secret.ts'

/** What is sealed, as it lies in the state. */
export interface Sealed {
  /** A line that names the sealer and its key, `keyturn-sealed/1 age age1...`, then what the sealer made. */
  readonly ciphertext: Uint8Array
  /** Empty. In rows of before that line `ciphertext` is an age file alone, and this the code over it and its place. */
  readonly mac: string
}

/** Which credential of which rotation, or its snapshot: the context of the seal, so that a row cannot be moved to another place. */
export interface SealPlace {
  readonly rotation: string
  readonly name: string
  readonly secret: string
}

/** How long a sealer that asks a service may take. */
const SEAL_MS = 10_000

/** Seals a credential with all its fields. Throws what keeps the sealer from it. */
export async function seal(credential: Credential, place: SealPlace, sealer: Sealer): Promise<Sealed> {
  const fields = Object.fromEntries(Object.entries(credential.fields).map(([name, value]) => [name, value.reveal()]))
  return sealText(JSON.stringify({ secret: place.secret, credential: credential.id, fields }), place, sealer)
}

/** Seals a text of any length. Throws what keeps the sealer from it. */
export async function sealText(text: string, place: SealPlace, sealer: Sealer): Promise<Sealed> {
  const made = demand(await sealer.seal(Buffer.from(text), contextOf(place), inTime()), place)
  return { ciphertext: Buffer.concat([Buffer.from(headerOf(sealer)), made]), mac: '' }
}

/**
 * Opens it again, with the one of these sealers that the row names. Throws SEAL_BROKEN when it was changed, moved, or sealed by none of
 * them or to another key; else as {@link seal}.
 */
export async function unseal(sealed: Sealed, place: SealPlace, ...sealers: readonly Sealer[]): Promise<Credential> {
  const { credential, fields } = JSON.parse(await unsealText(sealed, place, ...sealers)) as { credential: string; fields: Record<string, string> }
  return { id: credential, fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, new Secret(value)])) }
}

/** Opens a text again; throws as {@link unseal}. */
export async function unsealText(sealed: Sealed, place: SealPlace, ...sealers: readonly Sealer[]): Promise<string> {
  const { sealer, body } = bodyOf(sealed, place, sealers)
  return Buffer.from(demand(await sealer.unseal(body, contextOf(place), inTime()), place)).toString()
}

function headerOf({ id, recipient }: Sealer): string {
  return `keyturn-sealed/1 ${id} ${encodeURIComponent(recipient)}\n`
}

/** What the sealer made, and which. Throws SEAL_BROKEN when the line before it names none of them. */
function bodyOf({ ciphertext, mac }: Sealed, place: SealPlace, sealers: readonly Sealer[]): { readonly sealer: Sealer; readonly body: Uint8Array } {
  const bytes = Buffer.from(ciphertext)
  const age = sealers.find((one) => one.id === 'age')
  if (mac !== '' && age !== undefined) return { sealer: age, body: Buffer.concat([Buffer.from(mac), bytes]) }
  const end = bytes.indexOf('\n') + 1
  const header = bytes.toString('latin1', 0, end)
  const named = sealers.find((one) => header === headerOf(one))
  if (named !== undefined) return { sealer: named, body: bytes.subarray(end) }
  const [, id, recipient] = /^keyturn-sealed\/1 (\S+) (\S+)\n$/.exec(header) ?? []
  const by = id === undefined || recipient === undefined ? '' : ` was sealed by ${label(id)} to ${label(recipient)}, which is neither this identity nor what \`sealing\` names`
  throw broken(place, by)
}

function contextOf({ rotation, name, secret }: SealPlace): string {
  return JSON.stringify([rotation, name, secret])
}

function inTime(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(SEAL_MS) }
}

function demand<T>(answer: Answer<T>, place: SealPlace): T {
  if (answer.is === 'done') return answer.value
  if (answer.is === 'ask') throw new KeyturnError('NOT_NOW', answer.task.title)
  throw answer.code === 'SEAL_BROKEN' ? broken(place) : new KeyturnError(answer.code, answer.about)
}

function broken({ rotation, name }: SealPlace, why = ''): KeyturnError {
  return new KeyturnError('SEAL_BROKEN', `${name} of ${rotation}${why}`)
}
