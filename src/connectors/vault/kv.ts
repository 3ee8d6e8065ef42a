import { createHash } from 'node:crypto'
import { type Node, parseTree } from 'jsonc-parser'
import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { Secret } from '../../kit/secret.ts'
import { ask, type Door, outcomeOf, placeOf, says, send, type Time } from './api.ts'
import { dataPath, type SecretPlace } from './path.ts'

/** A secret as it is now. */
export interface Content {
  /** Its keys by name: a text, or undefined for what is none (a number, a list). */
  readonly values: ReadonlyMap<string, string | undefined>
  /** The object of values as Vault wrote it: what is put back goes back in its own words, numbers of any length too. */
  readonly written: string
  /** Stands for all of it. */
  readonly revision: string
  /** Of version 2, what a check-and-set compares; 0 of version 1. */
  readonly version: number
}

const metadataSchema = z.object({ version: z.int().min(0), created_time: z.string() })

/** Of version 2: the number alone starts again when somebody takes a secret away with its metadata. */
export function revisionOf({ version, created_time: created }: z.infer<typeof metadataSchema>): string {
  return `${version}@${created}`
}

/** Reads a secret. `refused` STORE_MISSING when there is none, or its newest version is deleted. */
export async function readSecret(door: Door, place: SecretPlace, call: Time): Promise<Answer<Content>> {
  const path = dataPath(place)
  const asked = { method: 'GET', path } as const
  const answer = await send(door, asked, call)
  if (answer.is !== 'done') return answer
  if (answer.value.status === 404) return refused('STORE_MISSING', `${path} at ${placeOf(door)}`)
  const outcome = outcomeOf(answer.value, door, asked)
  if (outcome.is !== 'done') return denied(outcome)
  const { text, complete } = outcome.value
  const content = complete ? contentOf(text, place) : undefined
  return content === undefined ? unknown('RESPONSE_UNFIT', `${path} at ${placeOf(door)}: compare \`version\` with the engine's`) : done(content)
}

/** Puts these keys into the secret and leaves the others; `null` takes one away. Answers the new revision. */
export async function patchSecret(door: Door, place: SecretPlace, now: Content, patch: ReadonlyMap<string, string | null>, call: Time): Promise<Answer<string>> {
  const path = dataPath(place)
  const next = new Secret(patched(now.written, patch))
  if (place.version === 1) {
    const put = await ask(door, { method: 'POST', path, body: next }, call)
    return put.is === 'done' ? done(digestOf(next.reveal())) : denied(put)
  }
  const options = { cas: now.version }
  const merge = { method: 'PATCH', path, body: { options, data: Object.fromEntries(patch) } } as const
  let answer = await send(door, merge, call)
  // Without the capability `patch`, or before Vault 1.9: the whole secret, under the same check-and-set.
  if (answer.is === 'done' && (answer.value.status === 403 || answer.value.status === 405)) {
    answer = await send(door, { method: 'POST', path, body: new Secret(`{"options":${JSON.stringify(options)},"data":${next.reveal()}}`) }, call)
  }
  if (answer.is !== 'done') return answer
  if (answer.value.status === 400 && says(answer.value, /check-and-set/)) return refused('CONFLICT', path)
  if (answer.value.status === 404) return refused('STORE_MISSING', `${path} at ${placeOf(door)}`)
  const outcome = outcomeOf(answer.value, door, merge)
  if (outcome.is !== 'done') return denied(outcome)
  const metadata = z.object({ data: metadataSchema }).safeParse(JSON.parse(outcome.value.text))
  return metadata.success ? done(revisionOf(metadata.data.data)) : unknown('RESPONSE_UNFIT', path)
}

/** A right that is missing here is one to the store. */
function denied<T>(answer: Answer<T>): Answer<never> {
  if (answer.is === 'done' || answer.is === 'ask') return refused('INTERNAL')
  return answer.is === 'refused' && answer.code === 'RIGHTS_MISSING' ? refused('STORE_DENIED', answer.about, answer.evidence) : answer
}

function contentOf(text: string, { version }: SecretPlace): Content | undefined {
  const data = child(parseTree(text), 'data')
  const object = version === 2 ? child(data, 'data') : data
  if (object?.type !== 'object') return undefined
  const written = text.slice(object.offset, object.offset + object.length)
  const values = new Map((object.children ?? []).map(({ children: [key, value] = [] }) => [String(key?.value), value?.type === 'string' ? String(value.value) : undefined]))
  if (version === 1) return { values, written, revision: digestOf(written), version: 0 }
  const metadata = z.object({ data: z.object({ metadata: metadataSchema }) }).safeParse(JSON.parse(text))
  return metadata.success ? { values, written, revision: revisionOf(metadata.data.data.metadata), version: metadata.data.data.metadata.version } : undefined
}

function child(node: Node | undefined, name: string): Node | undefined {
  return node?.children?.find(({ children }) => children?.[0]?.value === name)?.children?.[1]
}

/** The object with these members set or taken away, every other in its own words, ordered as Vault orders them: by name. */
function patched(written: string, patch: ReadonlyMap<string, string | null>): string {
  const members = new Map<string, string>()
  for (const { offset, length, children } of parseTree(written)?.children ?? []) members.set(String(children?.[0]?.value), written.slice(offset, offset + length))
  for (const [name, value] of patch) {
    if (value === null) members.delete(name)
    else members.set(name, `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  }
  return `{${[...members].map(([, member]) => member).join(',')}}`
}

/** Of version 1, which counts nothing. The order of the members is not content. */
function digestOf(written: string): string {
  const members = (parseTree(written)?.children ?? []).map(({ offset, length, children }) => [String(children?.[0]?.value), written.slice(offset, offset + length)] as const)
  const canonical = members.toSorted(([one], [two]) => (one < two ? -1 : 1)).map(([name, member]) => {
    const value: unknown = JSON.parse(`{${member}}`)
    return typeof value === 'object' && value !== null && typeof Object.values(value)[0] === 'string' ? JSON.stringify([name, Object.values(value)[0]]) : member
  })
  return createHash('sha256').update(canonical.join('\n')).digest('hex')
}
