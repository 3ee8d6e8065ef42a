import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { freePort } from '../../src/testing/port.ts'
import { until } from '../../demo/until.ts'
import { type Ran, startKeyturn } from '../worlds/keyturn.ts'
import { type Clients, startClients } from './clients.ts'
import { type Front, startFront } from './front.ts'

/** How long a token lives here, s. */
export const LIFE_S = 3

const NAMES = ['api-1', 'api-2', 'api-3'] as const

/** Three instances of an API behind one port, their keys in files, and a manifest. */
export interface Rig {
  readonly folder: string
  readonly front: Front
  readonly clients: Clients
  /** What the env file holds. */
  env(): Readonly<Record<string, string | undefined>>
  /** Runs `keyturn WORDS`. */
  keyturn(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>
  /** Restarts all instances, one after the other. */
  restartAll(): Promise<void>
  /** What each instance says of a token. */
  verdicts(token: string): Promise<readonly string[]>
  close(): Promise<void>
}

/** How keys are shown here. */
export interface Shape {
  /** The field that instances answer a challenge for, where it is not the only one. */
  readonly field?: string
  /** How a check signs a token. */
  readonly jwt: Readonly<Record<string, unknown>>
  /** How often clients ask for tokens. */
  readonly everyMs?: number
}

/** Sets it up and has clients work on it. `files` are what the instances find when they start; `secret` is in the manifest. */
export async function setRig(files: Readonly<Record<string, string>>, secret: Readonly<Record<string, unknown>>, shape: Shape): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-keys-'))
  const app = join(folder, 'app')
  mkdirSync(app, { mode: 0o700 })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(app, name), content, { mode: 0o600 })
  const ports = await Promise.all(NAMES.map(() => freePort()))
  const front = await startFront(ports)
  const restart = join(folder, 'restart')
  writeFileSync(restart, restartScript(app, front.url, ports))
  chmodSync(restart, 0o700)
  const one = async (name: string): Promise<void> => {
    const before = pidOf(app, name)
    await once(spawn(restart, [name], { stdio: 'ignore', env: { PATH: process.env['PATH'] } }), 'exit')
    await until(`${name} listens`, 20_000, () => (pidOf(app, name) !== undefined && pidOf(app, name) !== before ? true : undefined))
  }
  await Promise.all(NAMES.map(one))
  writeFileSync(join(app, 'keyturn.yaml'), manifest(secret, ports, restart, shape))
  const clients = startClients(front.url, NAMES.length, LIFE_S * 1_000, shape.everyMs)
  return {
    folder: app, front, clients,
    env: () => Object.fromEntries(readFileSync(join(app, '.env'), 'utf8').split('\n').flatMap((line) => {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
      return key === undefined ? [] : [[key, value]]
    })),
    keyturn: (words, env = {}) => startKeyturn(words, { cwd: app, env: { KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1', ...env } }).end,
    restartAll: async () => {
      for (const name of NAMES) await one(name)
    },
    verdicts: (token) => Promise.all(ports.map(async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}/verify`, { method: 'POST', body: JSON.stringify({ tokens: [token] }) })
      return ((await response.json()) as readonly string[])[0] ?? ''
    })),
    close: async () => {
      await clients.stop()
      for (const name of NAMES) {
        const pid = pidOf(app, name)
        if (pid !== undefined) process.kill(pid, 'SIGTERM')
        await until(`${name} ends`, 20_000, () => (pid === undefined || !existsSync(`/proc/${pid}`) ? true : undefined))
      }
      await front.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function pidOf(app: string, name: string): number | undefined {
  const file = join(app, `${name}.pid`)
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined
}

/** As a unit file does it: stop, wait until it is gone, start. */
function restartScript(app: string, front: string, ports: readonly number[]): string {
  const program = fileURLToPath(new URL('instance.ts', import.meta.url))
  const cases = NAMES.map((name, at) => `${name}) port=${ports[at]};;`).join(' ')
  return `#!/bin/sh
cd '${app}'
name=$1
case $name in ${cases} esac
if [ -e $name.pid ]; then
  pid=$(cat $name.pid)
  kill $pid 2>/dev/null
  while [ -d /proc/$pid/fd ] && [ -n "$(ls /proc/$pid/fd 2>/dev/null)" ]; do sleep 0.02; done
fi
'${process.execPath}' '${program}' '${app}' $name $port ${LIFE_S} '${front}' </dev/null >/dev/null 2>'${app}/$name.log' &
`
}

function manifest(secret: Readonly<Record<string, unknown>>, ports: readonly number[], restart: string, { field, jwt }: Shape): string {
  const url = (at: number): string => `http://127.0.0.1:${ports[at]}`
  return stringify({
    version: 1, system: 'keys', environment: 'staging',
    secrets: {
      jwt: {
        ready: '30s',
        ...secret,
        consumers: [{
          use: 'process', name: 'api', reload: { restart: [restart, '{name}'] },
          instances: NAMES.map((name, at) => ({ name, pidFile: `${name}.pid`, ready: `${url(at)}/readyz` })),
          attest: { use: 'http', ...(field === undefined ? {} : { field }), challenges: Object.fromEntries(NAMES.map((name, at) => [name, `${url(at)}/attest`])) },
        }],
        checks: NAMES.map((_, at) => ({ use: 'http', as: 'new', url: `${url(at)}/private`, auth: { jwt } })),
      },
    },
  })
}
