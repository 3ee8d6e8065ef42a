import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import { answerChallenge } from '../kit/challenge.ts'
import { Secret } from '../kit/secret.ts'

// A small service as a process of its own, for the tests of consumers: `node service.ts FOLDER NAME PORT`. It holds APP_PASSWORD
// of its environment, else of FOLDER/env, which it reads again at SIGHUP. It writes FOLDER/NAME.pid when it listens, and ends
// when FOLDER is taken away. A file FOLDER/NAME.unready makes it not ready, FOLDER/NAME.mortal makes it end at SIGHUP.

const [folder = '.', name = 'service', port = '0'] = process.argv.slice(2)
const at = (kind: string): string => join(folder, `${name}.${kind}`)

function readValue(): Secret {
  return new Secret(process.env['APP_PASSWORD'] ?? parseEnv(readFileSync(join(folder, 'env'), 'utf8'))['APP_PASSWORD'] ?? '')
}

let held = readValue()

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  if (request.url === '/readyz') {
    response.writeHead(existsSync(at('unready')) ? 503 : 200).end()
    return
  }
  const question: unknown = JSON.parse(body)
  const nonce = typeof question === 'object' && question !== null && 'nonce' in question ? String(question.nonce) : ''
  response.writeHead(200).end(JSON.stringify({ answer: answerChallenge(held, nonce) }))
}

process.on('SIGHUP', () => {
  if (existsSync(at('mortal'))) process.exit(1)
  held = readValue()
})
// Whoever started it may be killed; the folder is taken away by the tests that follow, at the latest.
setInterval(() => {
  if (!existsSync(folder)) process.exit(0)
}, 200)

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.writeHead(500).end())
})
server.listen(Number(port), '127.0.0.1', () => {
  writeFileSync(at('pid.new'), `${process.pid}\n`)
  renameSync(at('pid.new'), at('pid'))
})
