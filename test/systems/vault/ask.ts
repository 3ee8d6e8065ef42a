/** Asks a Vault as an operator does who looks over our shoulder: none of the connector's code is in it. Throws when it refuses. */
export type Ask = (method: string, path: string, body?: object | string) => Promise<Answered>

export interface Answered {
  readonly text: string
  readonly document: unknown
}

/** With this token. A body that is a text is sent as it is. */
export function asker(url: string, token: string): Ask {
  return async (method, path, body) => {
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
    return { text, document: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
}

/** What stands at a path of names in an answer. */
export function at({ document }: Answered, ...names: readonly string[]): unknown {
  let found = document
  for (const name of names) found = typeof found === 'object' && found !== null ? new Map<string, unknown>(Object.entries(found)).get(name) : undefined
  return found
}

/** A text there; throws when there is none. */
export function textOf(answered: Answered, ...names: readonly string[]): string {
  const found = at(answered, ...names)
  if (typeof found !== 'string') throw new Error(`no text at ${names.join('.')}`)
  return found
}

/** A list of texts there. */
export function listOf(answered: Answered, ...names: readonly string[]): readonly string[] {
  const found = at(answered, ...names)
  return Array.isArray(found) ? found.map(String) : []
}
