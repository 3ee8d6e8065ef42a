import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import { login } from '../../demo/database.ts'
import { answerChallenge } from '../../src/kit/challenge.ts'
import { Secret } from '../../src/kit/index.ts'
import { until } from '../servers/postgres.ts'

/** The key of the env file that holds the DSN. */
export const KEY = 'DATABASE_URL'

/**
 * A process that reads its env file once, when it starts, and again at every SIGHUP, and keeps what it read: `held` in its folder
 * is its memory. It ends with its stdin, so it cannot outlive the test. A shell, because there is one for every cell.
 */
const SHELL = `
take() { cp "$env" "$held.new" && mv "$held.new" "$held"; }
env=$1 held=$2 pid=$3
trap take HUP
take
exec 3<&0
cat <&3 >/dev/null &
tied=$!
echo $$ >"$pid.new" && mv "$pid.new" "$pid"
while kill -0 $tied 2>/dev/null; do wait $tied; done
`

/** One consumer that runs. */
export interface HeldConsumer {
  /** The DSN that it holds now. */
  dsn(): Promise<string>
  stop(): Promise<void>
}

/** Starts one, with `held` and `pid` in the folder `run`. */
export async function startConsumer(envFile: string, run: string): Promise<HeldConsumer> {
  const [held, pid] = [join(run, 'held'), join(run, 'pid')]
  const child = spawn('/bin/sh', ['-c', SHELL, 'consumer', envFile, held, pid], {
    env: { PATH: process.env['PATH'] ?? '' }, stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = once(child, 'exit')
  await until(() => readFile(pid).then(() => true, () => false), 'the consumer did not start')
  return {
    dsn: () => dsnIn(held),
    async stop() {
      child.stdin.end()
      await ended
    },
  }
}

/**
 * Answers in the name of all consumers, each with what it holds: `POST /CELL/attest` to a challenge, `GET /CELL/ready` with what
 * comes of a login.
 */
export async function startService(folder: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [, cell = '', what = ''] = (request.url ?? '').split('/')
    const answering = what === 'attest' ? attest(folder, cell, json(request)) : ready(folder, cell)
    answering.then(
      (body) => response.end(JSON.stringify(body)),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => stop(server) }
}

async function attest(folder: string, cell: string, asked: Promise<unknown>): Promise<object> {
  const { nonce } = (await asked) as { nonce: string }
  const { password } = new URL(await dsnIn(join(folder, cell, 'run/held')))
  return { answer: answerChallenge(new Secret(password), nonce) }
}

async function ready(folder: string, cell: string): Promise<object> {
  return { postgres: await login(await dsnIn(join(folder, cell, 'run/held'))) }
}

/** The DSN in a file of `KEY=value` lines. */
export async function dsnIn(file: string): Promise<string> {
  return parseEnv(await readFile(file, 'utf8'))[KEY] ?? ''
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise<void>((resolve) => { server.close(() => resolve()) })
}
