import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../demo/until.ts'
import { vaultProgram } from './system.ts'
import { type Ask, asker, listOf, textOf } from './ask.ts'
import { freePort } from '../../../src/testing/port.ts'

/** A Vault of our own with file storage, as an operator has it: initialised, and unsealed with its key. */
export interface Server {
  readonly url: string
  readonly root: string
  /** As it says itself: `Vault 1.21.0`. */
  readonly version: string
  readonly ask: Ask
  seal(): Promise<void>
  unseal(): Promise<void>
  /** Nothing answers and nothing is closed: SIGSTOP. */
  freeze(): void
  thaw(): void
  /** Ends it and starts it again at the same address: sealed. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Starts one on a free port, with AppRole at `approle` and Transit at `transit`. */
export async function startServer(): Promise<Server> {
  const program = await vaultProgram.bring()
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-vault-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = join(folder, 'vault.json')
  writeFileSync(config, JSON.stringify({
    storage: { file: { path: join(folder, 'data') } },
    listener: { tcp: { address: `127.0.0.1:${port}`, tls_disable: true } },
    disable_mlock: true, api_addr: url,
  }))
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const run = spawn(program, ['server', `-config=${config}`], { stdio: 'ignore', env: { HOME: folder, GOMAXPROCS: '2' } })
    child = run
    await until('Vault listens', 30_000, async () => {
      if (run.exitCode !== null) throw new Error('Vault ended at once')
      return fetch(`${url}/v1/sys/seal-status`).then(({ ok }) => (ok ? true : undefined), () => undefined)
    })
  }
  const end = async (): Promise<void> => {
    if (child === undefined) return
    const exited = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exited
  }
  await start()
  const initialised = await asker(url, '')('PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 })
  const [key = ''] = listOf(initialised, 'keys')
  const root = textOf(initialised, 'root_token')
  const ask = asker(url, root)
  const unseal = async (): Promise<void> => {
    await ask('PUT', 'sys/unseal', { key })
    await until('Vault is active', 30_000, async () => fetch(`${url}/v1/sys/health`).then(({ status }) => (status === 200 ? true : undefined)))
  }
  await unseal()
  await ask('POST', 'sys/auth/approle', { type: 'approle' })
  await ask('POST', 'sys/mounts/transit', { type: 'transit' })
  return {
    url, root, ask, unseal,
    version: `Vault ${textOf(await ask('GET', 'sys/seal-status'), 'version')}`,
    seal: async () => { await ask('PUT', 'sys/seal') },
    freeze: () => { child?.kill('SIGSTOP') },
    thaw: () => { child?.kill('SIGCONT') },
    restart: async () => {
      await end()
      await start()
    },
    stop: async () => {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

