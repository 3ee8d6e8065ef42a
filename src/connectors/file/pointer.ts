/**
 * The names on the way to a value in a JSON document: of a pointer (RFC 6901: `/db/password`, `~1` for a slash and `~0` for a
 * tilde in a name), or of a path with dots (`db.password`, for names without dots). Undefined when the key is neither.
 */
export function namesOf(key: string): readonly string[] | undefined {
  if (!key.startsWith('/')) {
    const names = key.split('.')
    return names.includes('') ? undefined : names
  }
  if (/~(?![01])/.test(key)) return undefined
  return key
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The pointer with these names. */
export function pointerTo(names: readonly string[]): string {
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
