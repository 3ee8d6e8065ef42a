import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { stringify } from 'yaml'
import { startLoad } from '../../../demo/load.ts'
import type { Report } from '../../../demo/tally.ts'
import { until } from '../../../demo/until.ts'
import { type Ran, startKeyturn } from '../../worlds/keyturn.ts'

/** A live service and the secret that it uses. */
export interface Live {
  /** The issuer's block of the manifest. */
  readonly issuer: Readonly<Record<string, unknown>>
  /** What the dotenv store binds: key by key, as in a manifest. */
  readonly bind: Readonly<Record<string, unknown>>
  /** The module whose default export is a `Connect` (client.ts). */
  readonly client: URL
  /** What the env file holds before; keys that are not bound have to survive. */
  readonly env: Readonly<Record<string, string>>
  /** What references such as `${env:ADMIN_URL}` resolve from. */
  readonly admin: Readonly<Record<string, string>>
  /** The field that the instances hold, where it is neither `password` nor the only one. */
  readonly field?: string
  /** Of the service; two when absent. */
  readonly instances?: number
  /** Operations a second over all of them; 100 when absent. */
  readonly rate?: number
  /** How instances prove what they hold, where it is not by challenge. */
  readonly attest?: Readonly<Record<string, unknown>>
  /** More keys of the secret: `impact`, other waits than a second of each. */
  readonly secret?: Readonly<Record<string, unknown>>
  /** Stores beside the env file, waves before that of the service, and checks: of what stands in front of the server, such as a pooler. */
  readonly front?: { readonly stores: readonly object[]; readonly waves: readonly object[]; readonly checks: readonly object[] }
  /** Arguments after `rotate live --wait`. */
  readonly args?: readonly string[]
}

export interface Lived {
  readonly ran: Ran
  /** What the load saw from before the rotation until after it. */
  readonly report: Report
  /** What the env file holds afterwards. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Rotates the credential of a live service through the command line, while an open-loop load without retries works on all its
 * instances: each a process with the usual client library, reloaded by SIGHUP, proven by challenge. Takes everything away again.
 */
export async function rotateUnderLoad(live: Live): Promise<Lived> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-live-'))
  const run = join(folder, 'run')
  mkdirSync(run, { mode: 0o700 })
  const envFile = join(folder, '.env')
  writeFileSync(envFile, Object.entries(live.env).map(([key, value]) => `${key}='${value}'\n`).join(''), { mode: 0o600 })
  const stops: (() => Promise<unknown>)[] = []
  try {
    const names = Array.from({ length: live.instances ?? 2 }, (_, at) => `live-${at + 1}`)
    const urls: string[] = []
    for (const name of names) {
      const { url, stop } = await startInstance(name, live.client, envFile, run)
      stops.push(stop)
      urls.push(url)
    }
    writeFileSync(join(folder, 'keyturn.yaml'), stringify(manifestOf(live, names, urls, run)))
    const load = startLoad(urls.map((url) => `${url}/work`), live.rate ?? 100)
    stops.push(() => load.stop())
    await until('the load works', 10_000, () => (load.now().requests > 20 ? true : undefined))
    const running = startKeyturn(['rotate', 'live', '--wait', '--reason', 'test', ...(live.args ?? [])], {
      cwd: folder, env: { ...live.admin, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' },
    })
    stops.push(async () => running.send('SIGKILL'))
    const ran = await running.end
    const after = load.now().requests
    await until('the load goes on', 10_000, () => (load.now().requests > after + 20 ? true : undefined))
    return { ran, report: await load.stop(), env: parseEnv(readFileSync(envFile, 'utf8')) }
  } finally {
    for (const stop of stops.toReversed()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts one instance of the service with its env file and answers when it listens; its pid and its port lie in `run` under its name. */
export async function startInstance(name: string, client: URL, envFile: string, run: string): Promise<{ readonly url: string; readonly stop: () => Promise<unknown> }> {
  const program = fileURLToPath(new URL('instance.ts', import.meta.url))
  const child = spawn(process.execPath, [program, fileURLToPath(client), name, envFile, run], { env: { PATH: process.env['PATH'] }, stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said += text })
  const exited = once(child, 'exit')
  const stop = async (): Promise<unknown> => {
    child.stdin.end()
    return exited
  }
  await until(`${name} listens`, 20_000, () => {
    if (child.exitCode !== null) throw new Error(`${name} ended at once: ${said}`)
    return existsSync(join(run, `${name}.pid`)) ? true : undefined
  })
  return { url: `http://127.0.0.1:${readFileSync(join(run, `${name}.port`), 'utf8')}`, stop }
}

function manifestOf(live: Live, names: readonly string[], urls: readonly string[], run: string): object {
  const each = names.map((name, at) => ({ name, url: urls[at] ?? '' }))
  return {
    version: 1, system: 'live', environment: 'staging',
    secrets: {
      live: {
        grace: '1s', quiet: '1s', undo: '1s',
        ...live.secret,
        issuer: live.issuer,
        stores: [{ use: 'dotenv', file: '.env', bind: live.bind }, ...(live.front?.stores ?? [])],
        consumers: [...(live.front?.waves ?? []), {
          wave: [{
            use: 'process', name: 'live', reload: { signal: 'SIGHUP' },
            instances: each.map(({ name, url }) => ({ name, pidFile: join(run, `${name}.pid`), ready: `${url}/readyz` })),
            attest: live.attest ?? { use: 'http', ...(live.field === undefined ? {} : { field: live.field }), challenges: Object.fromEntries(each.map(({ name, url }) => [name, `${url}/attest`])) },
          }],
        }],
        checks: [...each.map(({ url }) => ({ use: 'http', url: `${url}/readyz` })), ...(live.front?.checks ?? [])],
      },
    },
  }
}
