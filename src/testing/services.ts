import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshNonce, whichAnswers } from '../kit/challenge.ts'
import type { Presented } from '../kit/consumer.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Secret } from '../kit/secret.ts'
import { jsonAt } from '../outside/expectation.ts'
import { request } from '../outside/http/index.ts'
import { processMark } from '../outside/process/index.ts'
import { callWithin } from './call.ts'
import type { Held } from './consumer.ts'
import { until } from './until.ts'
import { freePort } from './port.ts'

/** Real processes with pid files, in a folder of their own, that hold the value of one env file. */
export interface Services {
  readonly folder: string
  readonly names: readonly string[]
  readonly next: Presented
  readonly old: Presented
  /** A command that replaces the processes whose names it is given; they get the env file as their environment. */
  readonly restart: string
  pidFile(name: string): string
  url(name: string): string
  pid(name: string): number
  publish(which: Presented): void
  /** What a process holds, by a challenge. */
  truth(name: string): Promise<Held | undefined>
  /** Starts one that reads the env file by itself. */
  start(name: string): Promise<void>
  /** Ends one; its pid file stays. */
  end(name: string): Promise<void>
  /** Makes a marker file: `NAME.unready`, `NAME.mortal`, or `slow` and `failing` for the restart command. */
  mark(file: string): void
  close(): Promise<void>
}

function presented(): Presented {
  const value = new Secret(generate(ALNUM, 32))
  return { fields: { user: new Secret('app'), password: value }, entries: { APP_USER: new Secret('app'), APP_PASSWORD: value } }
}

/** Prepares services with these names; none runs yet. */
export async function prepareServices(...names: string[]): Promise<Services> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-services-'))
  const ports = new Map<string, number>()
  for (const name of names) ports.set(name, await freePort())
  const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'service.ts' : 'service.js', import.meta.url))
  const [next, old] = [presented(), presented()]
  const pidFile = (name: string): string => join(folder, `${name}.pid`)
  const url = (name: string): string => `http://127.0.0.1:${ports.get(name) ?? 0}`
  const pid = (name: string): number => Number(readFileSync(pidFile(name), 'utf8'))

  const truth = async (name: string): Promise<Held | undefined> => {
    const nonce = freshNonce()
    const asked = { method: 'POST', url: `${url(name)}/attest`, body: JSON.stringify({ nonce }) } as const
    const answer = await request(asked, callWithin(5_000))
    if (answer.is !== 'done' || answer.value.status !== 200) return undefined
    const said = String(jsonAt(JSON.parse(answer.value.text), 'answer'))
    const [value, before] = [next.fields['password'], old.fields['password']]
    return value === undefined ? undefined : whichAnswers(said, nonce, value, before)
  }
  const publish = ({ entries }: Presented): void => {
    const lines = Object.entries(entries).map(([key, value]) => `${key}=${value.reveal()}\n`)
    writeFileSync(join(folder, 'env'), lines.join(''), { mode: 0o600 })
  }
  const answers = (name: string): Promise<void> =>
    until(async () => existsSync(pidFile(name)) && (await truth(name)) !== undefined)

  const restart = join(folder, 'restart')
  const started = names.map((name) => `${name}) port=${ports.get(name) ?? 0};;`).join(' ')
  writeFileSync(
    restart,
    `#!/bin/sh
cd '${folder}'
[ -e slow ] && exec sleep 60
[ -e failing ] && exit 3
set -a; . ./env; set +a
for name in "$@"; do
  case $name in ${started} esac
  if [ -e $name.pid ]; then
    pid=$(cat $name.pid); rm $name.pid
    kill -9 $pid 2>/dev/null
    while [ -d /proc/$pid/fd ] && [ -n "$(ls /proc/$pid/fd 2>/dev/null)" ]; do :; done
  fi
  '${process.execPath}' '${program}' . $name $port </dev/null >/dev/null 2>&1 &
done
`,
  )
  chmodSync(restart, 0o700)

  return {
    folder,
    names,
    next,
    old,
    restart,
    pidFile,
    url,
    pid,
    publish,
    truth,
    start: async (name) => {
      spawn(process.execPath, [program, folder, name, String(ports.get(name) ?? 0)], { stdio: 'ignore', env: {} })
      await answers(name)
    },
    end: async (name) => {
      const ended = pid(name)
      process.kill(ended, 'SIGKILL')
      // Its sockets are closed a moment before it is gone.
      await until(() => processMark(ended) === undefined)
    },
    mark: (file) => writeFileSync(join(folder, file), ''),
    close: async () => {
      // A process that starts just now is not known by its file; it ends when the folder is gone.
      for (const name of names) {
        try {
          process.kill(pid(name), 'SIGKILL')
        } catch {
          continue
        }
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
