import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseEnv } from 'node:util'
import { stringify } from 'yaml'
import type { Runner } from '../../../src/testing/runner.ts'
import { type Running, startKeyturn } from '../../worlds/keyturn.ts'
import { asker, textOf } from './ask.ts'
import { fresh, type Vault } from './worlds.ts'

/** A rotation whose values a Vault seals: in a folder, through the command line. */
interface Sealing {
  readonly vault: Vault
  /** Writes the manifest, with `sealing` or without; of a secret id of this role in place of a random value. */
  manifest(named: boolean, approle?: { readonly role: string; readonly secret: string; readonly accessor: string }): void
  /** What the journal says of a step, in order. */
  events(step: string): readonly string[]
  keyturn(args: readonly string[], env?: Readonly<Record<string, string>>): Running
  /** The first words of every sealed row of the state. */
  seals(state?: string): readonly string[]
  /** The value in the store. */
  value(): string
}

const OLD = 'f'.repeat(64)

/** What it is to have values sealed by Vault Transit: on the pretended Vault, and on the real one. */
export function sealingSuite({ describe, it, expect }: Runner, name: string, reach: () => Promise<Vault>): void {
  const law = (title: string, body: (world: Sealing) => Promise<void>): void => {
    it(title, async () => {
      const vault = await reach()
      const folder = mkdtempSync(join(tmpdir(), 'keyturn-transit-'))
      try {
        const key = fresh('keyturn')
        await asker(vault.url, vault.root)('POST', `transit/keys/${key}`, {})
        const world = worldIn(folder, vault, key)
        world.manifest(true)
        await body(world)
      } finally {
        await vault.unseal()
        await vault.close()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  }
  const ended = async ({ end }: Running, code: number, ...says: readonly RegExp[]): Promise<void> => {
    const ran = await end
    expect(ran.code, ran.said).toBe(code)
    for (const each of says) expect(each.test(ran.said), ran.said).toBe(true)
  }

  describe(`${name}: a state that Transit seals`, () => {
    law('holds nothing but its seals, and a run that was killed is gone on with (I3, I11)', async ({ keyturn, seals, value }) => {
      const killed = await keyturn(['rotate', 'session', '--reason', 'test'], { KEYTURN_REHEARSE: 'kill:publish:0/after-effect' }).end
      expect(killed.signal, killed.said).toBe('SIGKILL')
      // The old one, the new one, and the snapshot of what is changed.
      expect(seals()).toEqual(Array(3).fill('keyturn-sealed/1 transit'))
      await ended(keyturn(['state', 'check']), 0, /3 sealed values/)
      await ended(keyturn(['state', 'copy', '--to', 'copied']), 0)
      expect(seals('copied')).toEqual(seals())
      expect(value()).not.toBe(OLD)
    })

    law('waits while Vault is sealed, says so, and goes on when it is unsealed', async ({ vault, keyturn, value }) => {
      await keyturn(['rotate', 'session', '--reason', 'test'], { KEYTURN_REHEARSE: 'kill:publish:0/after-effect' }).end
      const published = value()
      await vault.seal()
      await ended(keyturn(['resume']), 4, /Waiting \(.*is sealed: unseal it\) until/)
      await vault.unseal()
      // Once more it has no answer, and is asked again by itself.
      vault.front.next = 503
      await ended(keyturn(['resume', '--wait']), 0, /Done: /)
      expect(vault.front.next).toBe('none')
      expect(value()).toBe(published)
    })

    law('is not begun on while Vault is sealed: no value is made that could not be kept (I3)', async ({ vault, keyturn, seals, value }) => {
      const running = keyturn(['rotate', 'session', '--wait', '--reason', 'test'], { KEYTURN_REHEARSE: 'stop:mint/before-intent' })
      await running.stopped()
      await vault.seal()
      running.send('SIGCONT')
      await running.saw(/is sealed: unseal it/)
      expect([seals().length, value()]).toEqual([1, OLD])
      await vault.unseal()
      await ended(running, 0, /Done: /)
      expect(value()).not.toBe(OLD)
    })

    law('has the sealer tried before the provider makes a value, which could not be kept else (I3)', async ({ vault, manifest, keyturn, events }) => {
      const ask = asker(vault.url, vault.root)
      const role = fresh('atlas')
      await ask('POST', `auth/approle/role/${role}`, { token_max_ttl: 600 })
      const made = await ask('POST', `auth/approle/role/${role}/secret-id`, {})
      manifest(true, { role, secret: textOf(made, 'data', 'secret_id'), accessor: textOf(made, 'data', 'secret_id_accessor') })
      const running = keyturn(['rotate', 'session', '--reason', 'test'], { KEYTURN_REHEARSE: 'stop:mint/before-intent' })
      await running.stopped()
      vault.front.next = 503
      running.send('SIGCONT')
      await ended(running, 4, /Waiting \(grace\)/)
      expect(events('mint')).toEqual(['step-refused', 'intent-recorded', 'step-done'])
    })

    law('is refused before anything is changed when the token is not the right one, and doctor knows before', async ({ keyturn, seals, value }) => {
      await ended(keyturn(['doctor']), 0, /vault .*transit\/keyturn-.* can be asked to open/)
      await ended(keyturn(['doctor'], { VAULT_TOKEN: 'no-token-of-this-vault' }), 3, /the admin credential is rejected/)
      await ended(keyturn(['rotate', 'session', '--reason', 'test'], { VAULT_TOKEN: 'no-token-of-this-vault' }), 3, /ADMIN_REJECTED|admin credential is rejected/)
      expect([seals(), value()]).toEqual([[], OLD])
    })

    law('still has what the identity sealed before: an open rotation ends as it began, the next is sealed by Transit', async ({ manifest, keyturn, seals, value }) => {
      manifest(false)
      await keyturn(['rotate', 'session', '--reason', 'test'], { KEYTURN_REHEARSE: 'kill:publish:0/after-effect' }).end
      expect(seals()).toEqual(Array(3).fill('keyturn-sealed/1 age'))
      manifest(true)
      await ended(keyturn(['resume', '--wait']), 0, /Done: /)
      const first = value()
      await keyturn(['rotate', 'session', '--reason', 'test'], { KEYTURN_REHEARSE: 'kill:publish:0/after-effect' }).end
      expect([value() === first, seals()]).toEqual([false, [...Array(2).fill('keyturn-sealed/1 age'), ...Array(3).fill('keyturn-sealed/1 transit')]])
    })
  })
}

function worldIn(folder: string, vault: Vault, key: string): Sealing {
  const envFile = join(folder, '.env')
  const rowsOf = <T>(query: string, state = '.keyturn'): T[] => {
    const db = new DatabaseSync(join(folder, state, 'keyturn.db'), { readOnly: true })
    try {
      return db.prepare(query).all() as T[]
    } finally {
      db.close()
    }
  }
  writeFileSync(envFile, `SESSION_KEY=${OLD}\n`, { mode: 0o600 })
  return {
    vault,
    manifest(named, approle) {
      if (approle !== undefined) writeFileSync(envFile, `SESSION_KEY=${approle.secret}\nACCESSOR=${approle.accessor}\n`)
      writeFileSync(join(folder, 'keyturn.yaml'), stringify({
        version: 1, system: 'sealed', environment: 'staging',
        ...(named ? { sealing: { use: 'vault', address: vault.front.url, token: '${env:VAULT_TOKEN}', key } } : {}),
        secrets: {
          session: {
            grace: approle === undefined ? '0s' : '1h', quiet: '0s', undo: '0s',
            ...(approle === undefined ? {
              issuer: { use: 'random', name: 'session', format: 'hex' },
              stores: [{ use: 'dotenv', file: '.env', bind: { SESSION_KEY: '{value}' } }],
            } : {
              issuer: { use: 'vault', address: vault.front.url, token: '${env:VAULT_TOKEN}', approle: { role: approle.role } },
              stores: [{ use: 'dotenv', file: '.env', bind: { SESSION_KEY: '{secret}', ACCESSOR: '{accessor}' } }],
            }),
          },
        },
      }))
    },
    keyturn: (args, env = {}) => startKeyturn(args, { cwd: folder, env: { VAULT_TOKEN: vault.root, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1', ...env } }),
    seals: (state) => rowsOf<{ readonly ciphertext: Uint8Array }>('select ciphertext from sealed', state).map(({ ciphertext }) => Buffer.from(ciphertext).toString('latin1').split(' ').slice(0, 2).join(' ')),
    events: (step) => rowsOf<{ readonly type: string; readonly body: string }>('select type, body from event order by seq').flatMap(({ type, body }) => ((JSON.parse(body) as { readonly step?: string }).step === step ? [type] : [])),
    value: () => parseEnv(readFileSync(envFile, 'utf8'))['SESSION_KEY'] ?? '',
  }
}
