import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { parseEnv } from 'node:util'
import { answerChallenge } from '../../../src/kit/challenge.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { type Client, codeOf, type Connect } from './client.ts'

// One instance of a service, as a process of its own: `node instance.ts MODULE NAME ENV_FILE FOLDER`. At SIGHUP it reads the env
// file again, logs in anew and lets the operations under way end on the old login. It ends with its stdin.

const [module = '', name = '', envFile = '', folder = '.'] = process.argv.slice(2)
const { default: connect } = (await import(pathToFileURL(module).href)) as { readonly default: Connect }

/** A login and how many operations are under way on it. */
interface Held {
  readonly client: Client
  underway: number
  idle: () => void
}

async function login(): Promise<Held> {
  return { client: await connect(parseEnv(readFileSync(envFile, 'utf8')), name), underway: 0, idle: () => undefined }
}

let held = await login()

async function work(): Promise<void> {
  const mine = held
  mine.underway += 1
  try {
    await mine.client.work()
  } finally {
    mine.underway -= 1
    if (mine.underway === 0) mine.idle()
  }
}

async function reload(): Promise<void> {
  try {
    const next = await login()
    const before = held
    held = next
    if (before.underway > 0) await new Promise<void>((resolve) => { before.idle = resolve })
    await before.client.close()
  } catch (thrown) {
    // As a real service: one that cannot log in anew goes on as it is.
    process.stderr.write(`${name}: reload failed: ${codeOf(thrown)}\n`)
  }
}

async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
  if (request.url === '/attest') {
    const { nonce } = JSON.parse(await text(request)) as { readonly nonce: string }
    return [200, { answer: answerChallenge(new Secret(held.client.value), nonce) }]
  }
  try {
    await work()
    return [200, {}]
  } catch (thrown) {
    return [request.url === '/readyz' ? 503 : 500, { sqlstate: codeOf(thrown) }]
  }
}

let reloaded = Promise.resolve()
process.on('SIGHUP', () => { reloaded = reloaded.then(reload) })

const server = createServer((request, response) => {
  answer(request).then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)), () => response.writeHead(500).end('{}'))
})
server.keepAliveTimeout = 120_000
const pidFile = join(folder, `${name}.pid`)
process.stdin.on('end', () => {
  rmSync(pidFile, { force: true })
  process.exit(0)
}).resume()
server.listen(0, '127.0.0.1', () => {
  writeFileSync(join(folder, `${name}.port`), String((server.address() as AddressInfo).port))
  writeFileSync(`${pidFile}.new`, `${process.pid}\n`)
  renameSync(`${pidFile}.new`, pidFile)
})
