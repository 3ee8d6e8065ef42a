import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { answerChallenge, Secret } from '../../src/kit/index.ts'
import { expectRun, useTheatre } from './theatre.ts'

const theatre = useTheatre()

/** A service that answers the challenge with the value that `held` gives: no more is needed to be attested. */
async function attesting(held: () => string): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => { body += chunk.toString() })
    request.on('end', () => {
      const { nonce } = JSON.parse(body) as { nonce: string }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ answer: answerChallenge(new Secret(held()), nonce) }))
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/attest`, close: () => server.close() }
}

describe('the undo window', () => {
  it('an instance that holds the old value again turns the old one on by itself, and the rotation goes back (I7)', async () => {
    let back: string | undefined
    let envFile = ''
    const stored = (): string => new URL(parseEnv(readFileSync(envFile, 'utf8'))['APP_DATABASE_URL'] ?? '').password
    const service = await attesting(() => back ?? stored())
    try {
      const world = await theatre.open({
        pace: { undo: '1h' },
        manifest: (secret) => {
          secret.consumers = [{ use: 'command', run: ['true'], services: ['app'], attest: { use: 'http', challenge: service.url } }]
        },
      })
      envFile = world.stage.envFile
      const old = await world.stage.dsn()
      expectRun(await world.keyturn(['rotate', 'database']), 4, /undo window/)
      expect(await world.login(old)).toBe('28000')
      expectRun(await world.keyturn(['resume']), 4, /Waiting \(undo\)/)

      // Somebody rolls the deployment back: what runs now holds the value that is off.
      back = new URL(old).password
      expectRun(await world.keyturn(['resume', '--wait']), 5, /somebody holds the old credential, which is off: app of /, /Rolled back/)
      expect(await world.login(old)).toBe('accepted')
      expect(await world.stage.dsn()).toBe(old)
    } finally {
      service.close()
    }
  })
})
