import { basename, dirname } from 'node:path/posix'
import type { Candidate } from './candidates.ts'
import type { Sighting } from './findings.ts'

const LONGEST = 56

/** A name for each candidate, in their order and all different: from the key, and where that is not enough from its place. Pure. */
export function nameAll(candidates: readonly Candidate[]): readonly string[] {
  const plain = candidates.map((candidate) => baseOf(candidate))
  const placed = candidates.map((candidate, index) => {
    const name = plain[index] ?? ''
    return plain.filter((each) => each === name).length > 1 ? withPlace(candidate, name) : name
  })
  const used = new Set<string>()
  return placed.map((name) => {
    let [unique, count] = [name, 1]
    while (used.has(unique)) unique = `${name}-${(count += 1)}`
    used.add(unique)
    return unique
  })
}

function baseOf({ kind, held }: Candidate): string {
  const chosen = held.find(({ trace }) => trace?.shape.is === 'login') ?? held[0]
  const key = chosen?.key ?? ''
  const bare = kind.is === 'login' ? key.replace(/[_.-]?(?:URL|URI|DSN|CONNECTION[_-]?STRING|PASSWORD|PASSWD|PASS|PWD)$/i, '') : key
  const object = chosen?.holder.is === 'kubernetes' ? chosen.holder.object.replace(/^\w+\//, '') : undefined
  return slug(object === undefined ? bare || key : `${object}-${key}`) || 'secret'
}

function withPlace({ held }: Candidate, name: string): string {
  const place = placeWord(held[0])
  return place === '' || name.startsWith(`${place}-`) ? name : slug(`${place}-${name}`)
}

/** The folder of a file, or the ending of an env file at the top. */
function placeWord(sighting: Sighting | undefined): string {
  if (sighting === undefined) return ''
  if (sighting.holder.is === 'compose') return slug(sighting.holder.service)
  const folder = dirname(sighting.seen.file)
  return slug(folder === '.' ? basename(sighting.seen.file).replace(/^\.env\b|\.env$/, '') : basename(folder))
}

/** Lower-case words with `-` between: what a secret may be called in a manifest. */
function slug(text: string): string {
  const words = text.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return words.replaceAll(/^-+/g, '').slice(0, LONGEST).replaceAll(/-+$/g, '')
}
