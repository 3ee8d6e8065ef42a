import type { AccountClaims } from './account.ts'

/**
 * Up to when what was issued for an ended key is revoked: the last second of the year 9999. Servers compare it with the time of issue,
 * so a nearer one would let a JWT in that is signed later for the same key, or by a clock that is ahead.
 */
const FOR_EVER = 253_402_300_799

/** One user of ours that is written down in the account. */
export interface Entry {
  /** The public key of the user. */
  readonly id: string
  /** The attempt that made it; empty when another than keyturn did. */
  readonly tag: string
}

/**
 * A server knows no list of the users that were signed: it believes the signature. So each one of ours is written down as a tag of
 * the account, `keyturn:NAME:KEY:ATTEMPT`, before it is signed; what is not there was not made by keyturn. All of it is pure.
 */
function prefixOf(user: string): string {
  return `keyturn:${encodeURIComponent(user)}:`
}

/** The users of this name that are written down and not ended. Some tools write tags in lower case. */
export function entriesOf({ tags = [] }: AccountClaims, user: string): readonly Entry[] {
  const start = prefixOf(user)
  return tags.filter((tag) => tag.toLowerCase().startsWith(start.toLowerCase())).flatMap((tag) => {
    const [, id = '', made = ''] = /^([A-Za-z2-7]{56})(?::(.*))?$/.exec(tag.slice(start.length)) ?? []
    return id === '' ? [] : [{ id: id.toUpperCase(), tag: made }]
  })
}

/** Whether servers let nobody in with a JWT of this key. */
export function isRevoked({ revocations = {} }: AccountClaims, id: string): boolean {
  return (revocations[id] ?? 0) > 0
}

/** The claims with these users written down; undefined when they are. */
export function withEntries(claims: AccountClaims, user: string, wanted: readonly Entry[]): AccountClaims | undefined {
  const there = new Set(entriesOf(claims, user).map(({ id }) => id))
  const fresh = wanted.filter(({ id }) => !there.has(id))
  if (fresh.length === 0) return undefined
  return { ...claims, tags: [...(claims.tags ?? []), ...fresh.map(({ id, tag }) => `${prefixOf(user)}${id}:${tag}`)] }
}

/** The claims with this user revoked for ever and no longer written down; undefined when it is so. */
export function withoutUser(claims: AccountClaims, user: string, id: string): AccountClaims | undefined {
  const listed = entriesOf(claims, user).some((entry) => entry.id === id)
  if (!listed && (claims.revocations?.[id] ?? 0) >= FOR_EVER) return undefined
  const start = `${prefixOf(user)}${id}`.toLowerCase()
  return {
    ...claims,
    tags: (claims.tags ?? []).filter((tag) => !tag.toLowerCase().startsWith(start)),
    revocations: { ...claims.revocations, [id]: FOR_EVER },
  }
}
