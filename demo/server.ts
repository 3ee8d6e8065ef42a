import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startCluster } from '../test/servers/cluster.ts'
import { adminUrl, findPlace } from '../test/servers/postgres.ts'

/** A PostgreSQL of the stage's own. */
export interface Server {
  /** Of a superuser. */
  readonly adminUrl: string
  /** Ends it and removes its data. May be repeated. */
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL below a process of its own, in a group of its own: Ctrl-C is for the demo, which needs the server until
 * the rest is taken away, and the server ends with this process however this process ends.
 */
export async function startServer(): Promise<Server> {
  const keeper = spawn(process.execPath, [fileURLToPath(import.meta.url)], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(keeper, 'exit')
  const stop = async (): Promise<void> => {
    keeper.stdin.end()
    const force = setTimeout(() => {
      if (keeper.pid !== undefined) process.kill(-keeper.pid, 'SIGKILL')
    }, 15_000)
    await exited
    clearTimeout(force)
  }
  const [first] = await Promise.race([once(createInterface({ input: keeper.stdout }), 'line'), exited])
  if (typeof first !== 'string') throw new Error('PostgreSQL did not start')
  return { adminUrl: first, stop }
}

/** The process of its own: says where the server is, and ends it with its stdin. */
async function keep(): Promise<void> {
  const place = await findPlace()
  // No settings for speed: what is shown should not be faster than the truth.
  const cluster = await startCluster({ ...place, parameters: { password_encryption: 'scram-sha-256' } })
  // Whoever started this may be gone by now; then stdin has ended, too.
  process.stdout.on('error', () => undefined)
  process.stdout.write(`${adminUrl(place)}\n`)
  await once(process.stdin.resume(), 'end')
  await cluster.stop()
  process.exit(0)
}

if (import.meta.main) await keep()
