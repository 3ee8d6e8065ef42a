import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** What the service counts about itself. */
export interface Stats {
  /** How often its pools have logged in. */
  readonly logins: number
  readonly reloads: number
  /** Reloads whose new DSN did not work, so that the service kept the old one. */
  readonly reloadFailures: number
}

/** One process of the service. */
export interface ServiceInstance {
  readonly name: string
  readonly pid: number
  readonly pidFile: string
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string
  stats(): Promise<Stats>
  /** Asks for a graceful reload, as a person would; answers when it has been asked. */
  reload(): void
  /** Ends it gracefully, and after five seconds by force. May be repeated. */
  stop(): Promise<void>
}

/**
 * Starts the service with this env file and answers once it listens and has logged in. Its pid file, port file and log lie in
 * `folder` under its name. It ends with this process, however this process ends.
 */
export async function startInstance(name: string, folder: string, envFile: string): Promise<ServiceInstance> {
  const pidFile = join(folder, `${name}.pid`)
  const portFile = join(folder, `${name}.port`)
  const log = openSync(join(folder, `${name}.log`), 'a', 0o600)
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('service.ts', import.meta.url)),
      '--name', name, '--env', envFile, '--pid-file', pidFile, '--port-file', portFile, '--tied',
    ],
    // A group of its own: Ctrl-C is for the demo, which then ends its services one by one.
    { detached: true, env: {}, stdio: ['pipe', 'ignore', log] },
  )
  closeSync(log)
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await exited
    clearTimeout(force)
  }

  try {
    const pid = Number(await until(`${name} listens`, 15_000, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended at once; see ${name}.log`)
      return readIfThere(pidFile)
    }))
    const url = `http://127.0.0.1:${(await readFile(portFile, 'utf8')).trim()}`
    return {
      name,
      pid,
      pidFile,
      url,
      async stats() {
        return await (await fetch(`${url}/stats`)).json() as Stats
      },
      reload() {
        child.kill('SIGHUP')
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
