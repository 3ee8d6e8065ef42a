import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reachReal } from './reach.ts'
import { sealingSuite } from './sealing.ts'
import { type Server, startServer } from './server.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

sealingSuite({ describe, it, expect }, 'a real Vault', () => reachReal(server))
