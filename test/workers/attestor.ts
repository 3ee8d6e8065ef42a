import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { answerChallenge } from '../../src/kit/challenge.ts'
import { Secret } from '../../src/kit/index.ts'

/** Services that read their env file whenever they are asked: `POST /NAME` answers a challenge with what `NAME.env` holds. */
export async function startAttestor(folder: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(folder, (request.url ?? '').slice(1), json(request)).then((body) => response.end(JSON.stringify(body)), () => response.writeHead(500).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(folder: string, name: string, asked: Promise<unknown>): Promise<object> {
  const { nonce } = (await asked) as { nonce: string }
  const dsn = /^DSN=(.*)$/m.exec(await readFile(join(folder, `${name}.env`), 'utf8'))?.[1] ?? ''
  return { answer: answerChallenge(new Secret(new URL(dsn).password), nonce) }
}
