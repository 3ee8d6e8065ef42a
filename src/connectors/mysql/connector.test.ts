import { randomBytes } from 'node:crypto'
import { describe } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { hold, issuerAt } from '../../../test/systems/mysql/login.ts'
import { type Credential, Secret } from '../../kit/index.ts'
import type { Fault } from '../../testing/faults.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeMysql, type FaultyProxy, faultyProxy, startFakeMysql } from './fake.ts'
import manifest from './manifest.ts'
import { nativeHash } from './verifier.ts'

function makeUser(server: FakeMysql, prefix: string): Credential {
  const name = `${prefix}_${randomBytes(5).toString('hex')}`
  const password = new Secret(`Old${randomBytes(15).toString('hex')}`)
  for (const host of ['%', '127.0.0.1']) {
    server.run(`CREATE USER '${name}'@'${host}' IDENTIFIED WITH 'mysql_native_password' AS '${nativeHash(password)}'`)
    server.run(`GRANT SELECT ON \`shop\`.* TO '${name}'@'${host}'`)
  }
  return { id: name, fields: { user: new Secret(name), password } }
}

async function makeWorld(strategy: (typeof manifest.strategies)[number]): Promise<IssuerWorld> {
  const server = await startFakeMysql()
  const [made, sibling] = [makeUser(server, 'app'), makeUser(server, 'sibling')]
  const proxy = await faultyProxy({ host: '127.0.0.1', port: server.port })
  const config = { user: made.id, strategy }
  const open = (): ReturnType<IssuerWorld['open']> => issuerAt(server.adminUrl.replace(`:${server.port}`, `:${proxy.port}`), config)
  const current = { ...made, id: open().idOf(made.fields) ?? '' }
  const held: { close(): Promise<void> }[] = []
  const use: IssuerWorld['use'] = async (credential) => {
    const one = await hold(server.port, credential)
    held.push(one)
    return one
  }
  return {
    current, siblings: [sibling], open, use,
    async inject(fault) {
      if (fault !== 'full') return produce(proxy, fault)
      if (strategy === 'overlap') {
        for (const account of server.accounts) if (account.user === made.id) account.second = account.kept
        return
      }
      for (let at = 0; at < 6; at += 1) await use(current)
      server.maxConnections = 10
    },
    async close() {
      for (const one of held) await one.close()
      await proxy.close()
      await server.close()
    },
  }
}

const LETS = /^ALTER USER .* ACCOUNT (UN)?LOCK$|^ALTER USER .* IDENTIFIED WITH \S+ AS '[^']*'( RETAIN.*)?$/

function produce(proxy: FaultyProxy, fault: Exclude<Fault, 'full'>): void {
  if (fault === 'answer-lost') proxy.inject({ on: LETS, act: 'lose-answer' })
  if (fault === 'unreachable') proxy.refuseNext(1)
  if (fault === 'server-error') proxy.inject({ on: LETS, act: 'error', error: 1105 })
  if (fault === 'slow') proxy.inject({ on: LETS, act: 'hold', ms: 700 })
}

for (const strategy of manifest.strategies) {
  issuerSuite(proving({ connector: 'mysql', as: 'issuer', strategy, on: 'fake' }, describe.concurrent), `mysql ${strategy}, fake of MySQL 8`, () => makeWorld(strategy))
}
