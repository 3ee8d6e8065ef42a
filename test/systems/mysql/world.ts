import { randomBytes } from 'node:crypto'
import { type FaultyProxy, faultyProxy } from '../../../src/connectors/mysql/fake.ts'
import type { Credential } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'
import type { Fault } from '../../../src/testing/faults.ts'
import type { IssuerWorld } from '../../../src/testing/issuer.ts'
import { type Held, hold, issuerAt } from './login.ts'
import type { MariaDb } from './mariadb.ts'

/** A user on the real server. */
export interface TestUser {
  readonly name: string
  readonly credential: Credential
}

/** Makes one with two accounts, from anywhere and from loopback, which may read a table of its own. */
export async function makeUser(server: MariaDb, prefix = 'app'): Promise<TestUser> {
  const name = `${prefix}_${randomBytes(5).toString('hex')}`
  const password = `Old${randomBytes(15).toString('hex')}`
  await server.admin(`CREATE DATABASE \`${name}\``)
  await server.admin(`CREATE TABLE \`${name}\`.t (a INT, b INT)`)
  for (const host of ['%', '127.0.0.1']) {
    await server.admin(`CREATE USER '${name}'@'${host}' IDENTIFIED BY '${password}' WITH MAX_QUERIES_PER_HOUR 1000000`)
    await server.admin(`GRANT SELECT, INSERT, UPDATE (a) ON \`${name}\`.t TO '${name}'@'${host}'`)
  }
  return { name, credential: { id: name, fields: { user: new Secret(name), password: new Secret(password) } } }
}

/** A user on the real server, reached through a proxy that produces the faults. */
export async function makeWorld(server: MariaDb, strategy: 'alternate' | 'in-place'): Promise<IssuerWorld> {
  const [user, sibling] = [await makeUser(server), await makeUser(server, 'sibling')]
  const proxy = await faultyProxy({ host: '127.0.0.1', port: server.port })
  const url = new URL(server.adminUrl)
  url.port = String(proxy.port)
  const held: Held[] = []
  let full = false
  const use = async (credential: Credential): Promise<Held> => {
    const one = await hold(server.port, credential)
    held.push(one)
    return one
  }
  return {
    current: user.credential,
    siblings: [sibling.credential],
    open: () => issuerAt(url.href, { user: user.name, strategy }),
    use,
    async inject(fault) {
      if (fault !== 'full') return produce(proxy, fault)
      full = true
      for (let at = 0; at < 6; at += 1) await use(user.credential)
      await server.admin('SET GLOBAL max_connections = 10')
    },
    async close() {
      for (const one of held) await one.close()
      await proxy.close()
      if (full) await server.admin('SET GLOBAL max_connections = 151')
    },
  }
}

/** The statement with which a user is let in or out. */
const LETS = /^ALTER USER .* ACCOUNT (UN)?LOCK$|^ALTER USER .* IDENTIFIED VIA \S+ USING '[^']*'$/

/** Produces a fault for the next change of who is let in. */
export function produce(proxy: FaultyProxy, fault: Exclude<Fault, 'full'>): void {
  if (fault === 'answer-lost') proxy.inject({ on: LETS, act: 'lose-answer' })
  if (fault === 'unreachable') proxy.refuseNext(1)
  if (fault === 'server-error') proxy.inject({ on: LETS, act: 'error', error: 1105 })
  if (fault === 'slow') proxy.inject({ on: LETS, act: 'hold', ms: 700 })
}
