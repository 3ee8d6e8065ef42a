/** What a service of the rig does with a system, through its usual client library. A module exports a {@link Connect} as `default`. */
export interface Client {
  /** The value that it holds, for the challenge: what an instance is asked to prove. */
  readonly value: string
  /** One operation that needs the credential. Throws as the library does; nobody tries again. */
  work(): Promise<void>
  /** Ends its connections; the operations under way are over by then. */
  close(): Promise<void>
}

/** Logs in with what the env file says, as this instance. Throws when that does not work. */
export type Connect = (env: Readonly<Record<string, string | undefined>>, name: string) => Promise<Client>

/** What has failed, as a word for the tally: the server's own code, never its text. */
export function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return 'none'
  const { code, name } = thrown as { readonly code?: unknown; readonly name?: unknown }
  return String(code ?? name ?? 'none').replaceAll(/\W/g, '_')
}
