import { describe, inject } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { queryAt, ready, versionAt } from '../../../test/servers/postgres.ts'
import { makeRole, openSession } from '../../../test/servers/role.ts'
import { type Credential, Secret } from '../../kit/index.ts'
import type { Fault } from '../../testing/faults.ts'
import { type IssuerWorld, issuerSuite } from '../../testing/issuer.ts'
import { type FaultyProxy, faultyProxy } from './fake.ts'
import { openIssuer } from './index.ts'
import manifest, { type IssuerConfig, issuerSchema } from './manifest.ts'

/** A role on the real server, reached through a proxy that produces the faults. */
async function makeWorld(strategy: IssuerConfig['strategy'], rights: 'superuser' | 'granted'): Promise<IssuerWorld> {
  const admin = await ready(inject('postgresUrl'))
  const [role, sibling] = [await makeRole(admin), await makeRole(admin, { prefix: 'sibling' })]
  const proxy = await faultyProxy({ host: '127.0.0.1', port: Number(new URL(admin).port) })
  const { username, password } = new URL(admin)
  const manager = rights === 'superuser' ? username : `manager_${role.name}`
  if (rights === 'granted') {
    await queryAt(admin, `CREATE ROLE "${manager}" LOGIN CREATEROLE PASSWORD '${password}';
      GRANT pg_read_all_stats, pg_signal_backend TO "${manager}";
      GRANT "${role.name}" TO "${manager}" WITH ADMIN TRUE, INHERIT FALSE`)
  }
  const throughProxy = role.url(manager, password, proxy.port)
  const sessions: Awaited<ReturnType<typeof openSession>>[] = []
  const use = async (credential: Credential): Promise<Awaited<ReturnType<typeof openSession>>> => {
    const session = await openSession(role.url(credential.fields['user']?.reveal(), credential.fields['password']?.reveal()))
    sessions.push(session)
    return session
  }
  return {
    current: role.credential,
    siblings: [sibling.credential],
    open: () => openIssuer(issuerSchema.parse({ admin: '${env:PG_ADMIN_URL}', role: role.name, strategy }), {
      base: '/', now: () => Date.now(), resolve: async () => new Secret(throughProxy), conceal() {},
    }),
    use,
    async inject(fault) {
      if (fault !== 'full') return produce(proxy, fault)
      await queryAt(admin, `CREATE DATABASE "${role.name}" OWNER "${role.name}" CONNECTION LIMIT 1`)
      sessions.push(await openSession(role.url().replace(/[^/]*$/, role.name)))
    },
    async close() {
      for (const session of sessions) await session.close()
      await proxy.close()
    },
  }
}

function produce(proxy: FaultyProxy, fault: Exclude<Fault, 'full'>): void {
  if (fault === 'answer-lost') proxy.inject({ on: /^COMMIT/, act: 'lose-answer' })
  if (fault === 'unreachable') proxy.refuseNext(1)
  if (fault === 'server-error') proxy.inject({ on: /^ALTER ROLE .* WITH /, act: 'error', error: 'XX000' })
  if (fault === 'slow') proxy.inject({ on: /^COMMIT/, act: 'hold', ms: 700 })
}

async function embedded(): Promise<string> {
  return versionAt(await ready(inject('postgresUrl')))
}

for (const strategy of manifest.strategies) {
  issuerSuite(proving(async () => ({ connector: 'postgres', as: 'issuer', strategy, on: await embedded() }), describe.concurrent), `postgres ${strategy}, real server`, () => makeWorld(strategy, 'superuser'))
}
for (const strategy of ['alternate', 'overlap'] as const) {
  issuerSuite(proving(async () => ({ connector: 'postgres', as: 'issuer', strategy, on: await embedded() }), describe.concurrent), `postgres ${strategy}, an admin without superuser`, () => makeWorld(strategy, 'granted'))
}
