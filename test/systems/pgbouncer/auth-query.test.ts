import { afterAll, beforeAll, expect, it } from 'vitest'
import { callWithin } from '../../../src/testing/call.ts'
import type { Credential, Issuer } from '../../../src/kit/issuer.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { accept, forget, issuerAt, valueOf } from '../../servers/postgres-issuer.ts'
import { makeRole } from '../../servers/role.ts'
import { type Pooler, startPooler } from './pooler.ts'

let server: PostgresServer
let pooler: Pooler
beforeAll(async () => {
  server = await startPostgres({ config: { log_statement: 'none' } })
  pooler = await startPooler({ server: server.port, users: [`"postgres" "${new URL(server.adminUrl).password}"`], settings: { auth_user: 'postgres' } })
})
afterAll(async () => {
  await pooler.stop()
  await server.stop()
})

for (const strategy of ['alternate', 'overlap', 'in-place'] as const) {
  it(`${strategy}: a pooler with auth_query is an endpoint of the issuer: new accepted and old rejected, direct and through it (S0-13, S2-24, S2-28)`, async () => {
    const role = await makeRole(server.adminUrl)
    const endpoints = [{ name: 'direct', host: '127.0.0.1', port: server.port }, { name: 'pooler', host: '127.0.0.1', port: pooler.port }]
    const issuer = issuerAt(server.adminUrl, { role: role.name, strategy, endpoints })
    const next = await accept(issuer, role.credential)
    if (strategy !== 'in-place') {
      expect(await verdicts(issuer, role.credential)).toEqual(['accepted 00000', 'accepted 00000'])
      await forget(issuer, role.credential)
    }
    expect(await verdicts(issuer, next)).toEqual(['accepted 00000', 'accepted 00000'])
    expect(await verdicts(issuer, role.credential)).toEqual(['rejected 28P01', 'rejected 08P01'])
  })
}

/** At the server itself, and through the pooler. */
async function verdicts(issuer: Issuer, credential: Credential): Promise<readonly string[]> {
  const all = await Promise.all(issuer.endpoints().map(async (endpoint) => valueOf(await issuer.probe(credential, endpoint, callWithin(10_000)))))
  return all.map(({ verdict, code }) => `${verdict} ${code}`)
}
