import { classify, type Kind } from './classify.ts'
import type { Sighting } from './findings.ts'
import { bySeen } from './seen.ts'
import { serverOf } from './servers.ts'

/** One secret as far as a scan can tell: all the places that hold it. */
export interface Candidate {
  readonly kind: Kind
  /** Never empty; by file and line. */
  readonly held: readonly Sighting[]
  /** One value that serves purposes which have nothing to do with each other. */
  readonly mixed: boolean
}

/** From what decides most about a value to what decides least. */
const WEIGHT: readonly Kind['is'][] = ['stored-data', 'key-pair', 'provider', 'login', 'self-made', 'unknown', 'perhaps']
const PURPOSES = new Set<Kind['is']>(['stored-data', 'key-pair', 'provider', 'login', 'self-made'])

/** A key in an object of Kubernetes is a secret unless its name is that of something plain. */
const plainInSecret = /^(?:user(?:name)?|host(?:name)?|port|db(?:name)?|database|ca\.crt|tls\.crt|url|endpoint|region|email)$|(?:_|-)(?:user(?:name)?|host|port|name)$/i

/** The name of the Secret that an object is, or that a sealed or external one becomes; undefined for a workload that has a value in its `env`. */
export function secretNameOf(object: string): string | undefined {
  return /^(?:Sealed|External)?Secret\/(.+)$/.exec(object)?.[1]
}

/** What a sighting is by itself. */
export function kindOf({ key, trace, holder }: Sighting): Kind {
  const kind = classify(key.replaceAll(/[.-]/g, '_'), trace?.shape)
  const inSecret = holder.is === 'secret-file' || (holder.is === 'kubernetes' && secretNameOf(holder.object) !== undefined)
  return kind.is === 'no-secret' && inSecret && !plainInSecret.test(key) ? { is: 'unknown' } : kind
}

/** Whether there is a value to rotate: neither empty, nor a placeholder, nor made from other variables. */
export function hasValue({ trace }: Sighting): boolean {
  return trace === undefined || !['empty', 'placeholder', 'reference'].includes(trace.shape.is)
}

/**
 * Puts together what is one secret: one value in several places, one account under several keys, one key of one object. Keys that
 * are no secrets are left out. Pure; in the order of files and lines.
 */
export function groupSightings(sightings: readonly Sighting[]): readonly Candidate[] {
  const secrets = sightings.filter((each) => hasValue(each) && kindOf(each).is !== 'no-secret').sort(bySeen)
  const shared = sharedPasswords(secrets)
  const groups: { tokens: Set<string>; held: Sighting[] }[] = []
  for (const sighting of secrets) {
    const tokens = tokensOf(sighting, shared)
    const same = groups.filter((group) => tokens.some((token) => group.tokens.has(token)))
    for (const group of same) groups.splice(groups.indexOf(group), 1)
    groups.push({ tokens: new Set([...tokens, ...same.flatMap((group) => [...group.tokens])]), held: [...same.flatMap(({ held }) => held), sighting] })
  }
  return groups.map(({ held }) => candidateOf(held.sort(bySeen))).sort((a, b) => (a.held[0] && b.held[0] ? bySeen(a.held[0], b.held[0]) : 0))
}

function candidateOf(held: readonly Sighting[]): Candidate {
  const kinds = held.map(kindOf)
  const weight = (kind: Kind): number => WEIGHT.indexOf(kind.is) - (kind.is === 'login' && kind.server !== undefined ? 0.5 : 0)
  const [kind = { is: 'unknown' }] = kinds.toSorted((a, b) => weight(a) - weight(b))
  const purposes = new Set(kinds.map(({ is }) => is).filter((is) => PURPOSES.has(is)))
  const servers = new Set(kinds.flatMap((each) => (each.is === 'login' && each.server !== undefined ? [each.server] : [])))
  return { kind, held, mixed: purposes.size > 1 || servers.size > 1 }
}

/** Passwords that several users have: equal by chance or by carelessness, and no sign of one secret. */
function sharedPasswords(sightings: readonly Sighting[]): ReadonlySet<number> {
  const logins = sightings.flatMap(({ trace }) => (trace?.shape.is === 'login' ? [trace.shape] : []))
  const users = Map.groupBy(logins, ({ password }) => password.id)
  const several = [...users].filter(([, all]) => new Set(all.map(({ user, scheme }) => `${serverOf(scheme) ?? scheme} ${user ?? ''}`)).size > 1)
  return new Set(several.map(([id]) => id))
}

/** What two sightings of one secret have in common. */
function tokensOf({ key, seen, holder, trace }: Sighting, shared: ReadonlySet<number>): readonly string[] {
  const object = holder.is === 'kubernetes' ? [`object ${secretNameOf(holder.object) ?? holder.object} ${key}`] : []
  if (trace === undefined) return object
  // What is weak may be the same by chance elsewhere, but hardly beside each other in one file.
  const value = (id: number, weak: boolean): readonly string[] => (shared.has(id) ? [] : [`in ${seen.file} ${id}`, ...(weak ? [] : [`value ${id}`])])
  if (trace.shape.is === 'login') {
    const { account, password } = trace.shape
    return [...object, `account ${account}`, ...value(password.id, password.weak)]
  }
  const { id, weak } = trace.mark
  const isPassword = kindOf({ key, seen, holder, trace }).is === 'login'
  return [...object, `key ${key} ${id}`, ...(weak && !isPassword ? [] : value(id, weak))]
}
