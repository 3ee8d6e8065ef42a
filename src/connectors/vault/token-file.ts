import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '../../kit/secret.ts'

/** A token is shorter: of an integrated storage it can have some kilobytes. */
const MOST_BYTES = 16 * 1024

/**
 * What `vault login` left in `~/.vault-token`; undefined when there is nothing that can be read. One that others on the machine may read is a notice.
 * https://developer.hashicorp.com/vault/docs/commands/token-helper
 */
export async function tokenFile(home: string | undefined, notice: (text: string) => void): Promise<Secret | undefined> {
  if (home === undefined) return undefined
  const path = join(home, '.vault-token')
  try {
    const file = await open(path)
    try {
      const { mode, size } = await file.stat()
      if (size === 0 || size > MOST_BYTES) return undefined
      if ((mode & 0o077) !== 0) notice(`${path} can be read by others on this machine: chmod 600`)
      const token = (await file.readFile('utf8')).trim()
      return token === '' ? undefined : new Secret(token)
    } finally {
      await file.close()
    }
  } catch {
    // There is none, or it is another user's.
    return undefined
  }
}
