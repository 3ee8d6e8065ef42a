import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { startMoto } from '../../test/servers/moto.ts'
import { startServer as startVault } from '../../test/systems/vault/server.ts'
import { buildPackage } from '../package.ts'
import type { World } from './way.ts'

/** Starts what is asked for, once. `close` ends all of it and may be repeated. */
export function openWorld(): World & { readonly close: () => Promise<void> } {
  const undo: (() => Promise<void>)[] = []
  const keyturn = once(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-'))
    undo.push(() => rm(folder, { recursive: true, force: true }))
    return buildPackage(folder)
  })
  const vault = once(async () => {
    const server = await startVault()
    undo.push(() => server.stop())
    return server
  })
  const moto = once(async () => {
    const server = await startMoto()
    undo.push(() => server.close())
    const aws = new SecretsManagerClient({ endpoint: server.url, region: 'eu-central-1', maxAttempts: 1, credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } })
    undo.push(async () => aws.destroy())
    return { url: server.url, aws }
  })
  return {
    keyturn, vault, moto,
    async close() {
      for (const step of undo.splice(0).toReversed()) await step()
    },
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
