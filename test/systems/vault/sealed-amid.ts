import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Ran, startKeyturn } from '../../worlds/keyturn.ts'
import { asker, textOf } from './ask.ts'
import { fresh, type Vault } from './worlds.ts'

/** A rotation through the command line whose Vault was sealed when it came to publish. */
export interface Amid {
  readonly ran: Ran
  /** Of the secret id in the store, before and after. */
  readonly before: string
  readonly after: string
  /** Beside it in the same secret. */
  readonly sibling: string
}

/**
 * Rotates a secret id that is kept in a KV engine of the same Vault, until old and new are both accepted and the new one is published.
 * Vault is sealed right before that, and unsealed when keyturn has said so.
 */
export async function rotateSealedAmid(vault: Vault): Promise<Amid> {
  const ask = asker(vault.url, vault.root)
  const [mount, role] = [fresh('kv'), fresh('atlas')]
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-seal-'))
  try {
    await ask('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '1' } })
    await ask('POST', `auth/approle/role/${role}`, { token_max_ttl: 600 })
    const made = await ask('POST', `auth/approle/role/${role}/secret-id`, {})
    const before = textOf(made, 'data', 'secret_id')
    await ask('POST', `${mount}/atlas`, { SECRET_ID: before, ACCESSOR: textOf(made, 'data', 'secret_id_accessor'), LOG_LEVEL: 'info' })
    const access = { use: 'vault', address: vault.front.url, token: '${env:VAULT_TOKEN}' }
    writeFileSync(join(folder, 'keyturn.yaml'), stringify({
      version: 1, system: 'sealed', environment: 'staging',
      secrets: {
        atlas: {
          grace: '1h', quiet: '0s',
          issuer: { ...access, approle: { role } },
          stores: [{ ...access, path: `${mount}/atlas`, version: 1, bind: { SECRET_ID: '{secret}', ACCESSOR: '{accessor}' } }],
        },
      },
    }))
    const running = startKeyturn(['rotate', 'atlas', '--reason', 'test'], {
      cwd: folder, env: { VAULT_TOKEN: vault.root, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1', KEYTURN_REHEARSE: 'stop:publish:0/after-intent' },
    })
    await running.stopped()
    await vault.seal()
    running.send('SIGCONT')
    await running.saw(/is sealed: unseal it/)
    await vault.unseal()
    const ran = await running.end
    const now = await ask('GET', `${mount}/atlas`)
    return { ran, before, after: textOf(now, 'data', 'SECRET_ID'), sibling: textOf(now, 'data', 'LOG_LEVEL') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
