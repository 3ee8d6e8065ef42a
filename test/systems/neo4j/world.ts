import { randomBytes } from 'node:crypto'
import neo4j from 'neo4j-driver'
import { startFaultyBolt } from '../../../src/connectors/neo4j/fake.ts'
import { openIssuer } from '../../../src/connectors/neo4j/index.ts'
import { issuerSchema } from '../../../src/connectors/neo4j/manifest.ts'
import { type Credential, type Issuer, Secret } from '../../../src/kit/index.ts'
import type { Fault } from '../../../src/testing/faults.ts'
import type { IssuerWorld } from '../../../src/testing/issuer.ts'

/** What a test needs of a server, real or pretended. */
export interface Reached {
  readonly port: number
  readonly admin: { readonly user: string; readonly password: string }
  readonly edition: 'community' | 'enterprise'
  makeUser(name: string, password: string): Promise<void>
  /** Until it is called off, no thread is left to serve a connection. */
  fill(): Promise<() => Promise<void>>
}

/** A connection as a consumer holds it, in a transaction, so that the driver makes no other one in its place. */
export interface Held {
  alive(): Promise<boolean>
  close(): Promise<void>
}

/** Throws what the driver throws. */
export async function hold(port: number, { fields }: Credential): Promise<Held> {
  const driver = neo4j.driver(`bolt://127.0.0.1:${port}`, neo4j.auth.basic(fields['user']?.reveal() ?? '', fields['password']?.reveal() ?? ''), { maxConnectionPoolSize: 1 })
  const transaction = await driver.session({ database: 'neo4j' }).beginTransaction().catch(async (thrown: unknown) => {
    await driver.close()
    throw thrown
  })
  return {
    alive: () => transaction.run('RETURN 1').then(() => true, () => false),
    close: () => driver.close(),
  }
}

/** A user with a random name and password. */
export async function makeUser(server: Pick<Reached, 'makeUser'>, prefix: string): Promise<Credential> {
  const [user, password] = [`${prefix}_${randomBytes(5).toString('hex')}`, `Old${randomBytes(15).toString('hex')}`]
  await server.makeUser(user, password)
  return { id: user, fields: { user: new Secret(user), password: new Secret(password) } }
}

/** The connector, with the server at this port. */
export function issuerAt({ port, admin, edition }: Pick<Reached, 'port' | 'admin' | 'edition'>, config: object, scheme = 'bolt'): Issuer {
  const url = `${scheme}://${admin.user}:${admin.password}@127.0.0.1:${port}`
  return openIssuer(issuerSchema.parse({ admin: '${env:NEO4J_ADMIN_URL}', edition, ...config }), {
    base: '/', now: () => Date.now(), resolve: async () => new Secret(url), conceal: () => undefined,
  })
}

const LETS_IN_OR_OUT = /^(CREATE USER|CREATE OR REPLACE USER|DROP USER|ALTER USER)/

/** Two users of one server, which is reached through a proxy that produces the faults. */
export async function makeWorld(server: Reached, strategy: 'alternate' | 'in-place'): Promise<IssuerWorld> {
  const [current, sibling] = [await makeUser(server, 'app'), await makeUser(server, 'sibling')]
  const proxy = await startFaultyBolt(server)
  const held: Held[] = []
  let empty = async (): Promise<void> => undefined
  return {
    current, siblings: [sibling],
    open: () => issuerAt({ ...server, port: proxy.port }, { user: current.id, strategy }),
    async use(credential) {
      const one = await hold(server.port, credential)
      held.push(one)
      return one
    },
    async inject(fault: Fault) {
      if (fault === 'full') empty = await server.fill()
      if (fault === 'answer-lost') proxy.inject({ on: LETS_IN_OR_OUT, act: 'lose-answer' })
      if (fault === 'unreachable') proxy.refuseNext(1)
      if (fault === 'server-error') proxy.inject({ on: LETS_IN_OR_OUT, act: 'error', error: 'Neo.DatabaseError.General.UnknownError' })
      if (fault === 'slow') proxy.inject({ on: LETS_IN_OR_OUT, act: 'hold', ms: 700 })
    },
    async close() {
      await empty()
      for (const one of held) await one.close()
      await proxy.close()
    },
  }
}
