/** One line of an auth file that lets a user in. */
export interface Line {
  readonly user: string
  readonly secret: string
  /** What stands before it, between the two, and behind them up to and with the end of the line. */
  readonly lead: string
  readonly mid: string
  readonly tail: string
}

/** A piece of the file: a line with a user, or what stands between such lines (comments, blanks). */
export type Piece = Line | { readonly text: string }

const QUOTED = '"((?:[^"]|"")*)"'
const LINE = new RegExp(`([^\\S\\n]*)${QUOTED}([^"]*)${QUOTED}([^\\n]*(?:\\n|$))`, 'y')
const BETWEEN = /[^\S\n]*(?:;[^\n]*)?(?:\n|$)/y

/**
 * Cuts an auth file; joining the pieces gives back every byte. Undefined when PgBouncer cannot read all of it: it logs `broken auth
 * file`, and every user from that place on is unknown to it. https://www.pgbouncer.org/config.html#authentication-file-format
 */
export function cut(text: string): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  for (let at = 0; at < text.length; ) {
    LINE.lastIndex = at
    const [whole, lead = '', user = '', mid = '', secret = '', tail = ''] = LINE.exec(text) ?? []
    BETWEEN.lastIndex = at
    const between = whole === undefined ? BETWEEN.exec(text)?.[0] : undefined
    if (whole !== undefined) pieces.push({ user: unquote(user), secret: unquote(secret), lead, mid, tail })
    else if (between !== undefined && between !== '') pieces.push({ text: between })
    else return undefined
    at += (whole ?? between ?? '').length
  }
  return pieces
}

/** Puts the pieces together again. */
export function join(pieces: readonly Piece[]): string {
  return pieces.map((piece) => ('text' in piece ? piece.text : `${piece.lead}${quote(piece.user)}${piece.mid}${quote(piece.secret)}${piece.tail}`)).join('')
}

/** The newest line of these users, which is the last: what a login of this secret is now. */
export function currentOf(pieces: readonly Piece[], ours: (user: string) => boolean): Line | undefined {
  return linesOf(pieces, ours).at(-1)
}

/**
 * Lets the user in with this secret, as the newest of ours: in its place when it is that already, else in a line behind the one that
 * is the newest now, which stays, for its clients are not moved yet. Lines of ours that are older are taken away: what they
 * let in was ended by an earlier rotation.
 */
export function admit(pieces: readonly Piece[], ours: (user: string) => boolean, user: string, secret: string): readonly Piece[] {
  const before = currentOf(pieces, ours)
  const isOlder = (piece: Piece): boolean => 'user' in piece && ours(piece.user) && piece !== before
  const kept = pieces.filter((piece) => !isOlder(piece))
  if (before === undefined) return [...ended(kept), { user, secret, lead: '', mid: ' ', tail: lineEnd(pieces) }]
  const at = kept.indexOf(before)
  if (before.user === user) return kept.with(at, { ...before, secret })
  const end = lineEnd(pieces)
  const closed: Line = before.tail.endsWith('\n') ? before : { ...before, tail: `${before.tail}${end}` }
  return [...kept.slice(0, at), closed, { user, secret, lead: before.lead, mid: ' ', tail: end }, ...kept.slice(at + 1)]
}

/**
 * Makes the lines of ours agree with these roles and secrets, each in its place; a line of one that is not among them is taken away,
 * one that is not there yet comes behind the others.
 */
export function agree(pieces: readonly Piece[], ours: (user: string) => boolean, secrets: ReadonlyMap<string, string>): readonly Piece[] {
  const seen = new Set<string>()
  const kept = pieces.flatMap((piece): readonly Piece[] => {
    if ('text' in piece || !ours(piece.user)) return [piece]
    const secret = seen.has(piece.user) ? undefined : secrets.get(piece.user)
    seen.add(piece.user)
    return secret === undefined ? [] : [{ ...piece, secret }]
  })
  const fresh = [...secrets].filter(([user]) => !seen.has(user)).map(([user, secret]): Line => ({ user, secret, lead: '', mid: ' ', tail: lineEnd(pieces) }))
  return fresh.length === 0 ? kept : [...ended(kept), ...fresh]
}

/** Which roles a configuration means: those that it names, and `app_20261121a` (a stem, a day, a letter) of the stem. */
export function rolesOf({ users = [], dated }: { readonly users?: readonly string[] | undefined; readonly dated?: string | undefined }): (user: string) => boolean {
  return (user) => users.includes(user) || (dated !== undefined && user.startsWith(`${dated}_`) && /^\d{8}[a-z]$/.test(user.slice(dated.length + 1)))
}

/** Takes every line of ours away. */
export function expel(pieces: readonly Piece[], ours: (user: string) => boolean): readonly Piece[] {
  return pieces.filter((piece) => !('user' in piece && ours(piece.user)))
}

/** Whether PgBouncer takes this for the hash of a password, and not for one: SCRAM verifiers and `md5` with 32 hexadecimal digits. */
export function isHash(secret: string): boolean {
  return secret.startsWith('SCRAM-SHA-256$') || /^md5[0-9a-f]{32}$/.test(secret)
}

function linesOf(pieces: readonly Piece[], ours: (user: string) => boolean): readonly Line[] {
  return pieces.filter((piece) => 'user' in piece).filter(({ user }) => ours(user))
}

/** The same with an end of line behind the last piece. */
function ended(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.length === 0 || join(pieces).endsWith('\n') ? pieces : [...pieces, { text: lineEnd(pieces) }]
}

function lineEnd(pieces: readonly Piece[]): string {
  return join(pieces).includes('\r\n') ? '\r\n' : '\n'
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

function unquote(text: string): string {
  return text.replaceAll('""', '"')
}
