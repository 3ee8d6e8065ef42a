import { connect, type NatsConnection, nkeyAuthenticator, usernamePasswordAuthenticator } from '@nats-io/transport-node'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../demo/until.ts'
import { openIssuer } from '../../src/connectors/nats-config/issuer.ts'
import { type IssuerConfig, issuerSchema } from '../../src/connectors/nats-config/manifest.ts'
import { makeSeed, publicKeyOf } from '../../src/connectors/nats-config/nkey.ts'
import { ownWays, type Ways } from '../../src/connectors/nats-config/node.ts'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import type { Credential, Issuer } from '../../src/kit/issuer.ts'
import { Secret } from '../../src/kit/secret.ts'
import type { Fault } from '../../src/testing/faults.ts'
import { forwardTo, type FaultyHttp, startFaultyHttp } from '../../src/testing/faulty-http.ts'
import type { IssuerWorld } from '../../src/testing/issuer.ts'
import { hostOf } from './nats.ts'

/** A running server, real or pretended, whose configuration includes `users.json` of its folder. */
export interface ConfigServer {
  readonly port: number
  readonly monitor: string
  /** Holds `users.json`, and the pid file `pid`. */
  readonly folder: string
  /** As `process.kill` does. */
  readonly signal: Ways['signal']
  /** `max_connections`, from the next reload on. */
  limit(most: number): void
}

export type Strategy = IssuerConfig['strategy']

export interface ConfigWorld extends IssuerWorld {
  readonly server: ConfigServer
  /** What the file holds now. */
  text(): string
  /** The issuer with other words in its configuration. */
  openWith(more: object): Issuer
  login(credential: Credential, name: string): Promise<NatsConnection>
}

const RIGHTS = { permissions: { publish: ['work.>', '$JS.API.>', '_INBOX.>'], subscribe: ['>'] } }

/** A file with a user of each kind, and others beside them. The server has read it. */
export async function makeConfigWorld(server: ConfigServer, strategy: Strategy): Promise<ConfigWorld> {
  const [password, seed, other, otherSeed] = [generate(ALNUM, 40), makeSeed(), generate(ALNUM, 40), makeSeed()]
  const [key = '', otherKey = ''] = [publicKeyOf(seed), publicKeyOf(otherSeed)]
  const file = join(server.folder, 'users.json')
  await write(server, [
    '# users of the team', '{', '  "users": [', `    { "user": "sibling", "password": "${other}" }, // ours, "too"`,
    `    { "user": "worker",   "password": "${password}", "permissions": ${JSON.stringify(RIGHTS.permissions)} },`,
    `    { // keyturn:robot`, `      "nkey": "${key}", "permissions": ${JSON.stringify(RIGHTS.permissions)} },`,
    `    { "nkey": "${otherKey}" } # the last`, '  ]', '}', '',
  ].join('\n'))
  const http = await startFaultyHttp({ answer: forwardTo(server.monitor), isEffect: ({ url }) => url.startsWith('/varz') })
  const connections: NatsConnection[] = []
  const late: Promise<unknown>[] = []
  let armed: Exclude<Fault, 'full'> | undefined
  const ways: Ways = {
    ...ownWays,
    signal(pid, name) {
      const fault = armed
      if (fault !== undefined && (fault === 'unreachable') === (name === 0)) armed = undefined
      else return server.signal(pid, name)
      if (fault === 'unreachable') throw Object.assign(new Error('no such process'), { code: 'ESRCH' })
      if (fault === 'slow') late.push(pause(700).then(() => server.signal(pid, name)))
      else void http.inject(fault)
      if (fault === 'answer-lost') server.signal(pid, name)
    },
  }
  const fieldsOf = (user: string, value: string): Credential => ({ id: user, fields: { user: new Secret(user), password: new Secret(value) } })
  const keyOf = (id: string, value: string): Credential => ({ id, fields: { seed: new Secret(value) } })
  const current = strategy === 'overlap' ? keyOf(key, seed) : fieldsOf('worker', password)
  const login = async ({ fields }: Credential, name: string): Promise<NatsConnection> => {
    const value = fields['seed']?.reveal()
    const authenticator = value === undefined ? usernamePasswordAuthenticator(fields['user']?.reveal() ?? '', fields['password']?.reveal() ?? '') : nkeyAuthenticator(Buffer.from(value))
    const connection = await connect({ servers: `127.0.0.1:${server.port}`, name, reconnect: false, authenticator })
    connections.push(connection)
    return connection
  }
  const openWith = (more: object): Issuer => openIssuer(issuerSchema.parse({ ...configOf(server, strategy, http), ...more }), hostOf({}), ways)
  return {
    server, current, login, openWith,
    siblings: [fieldsOf('sibling', other), keyOf(otherKey, otherSeed)],
    text: () => readFileSync(file, 'utf8'),
    open: () => openWith({}),
    async use(credential) {
      const connection = await login(credential, 'consumer')
      return { alive: async () => !connection.isClosed(), close: () => connection.close() }
    },
    async inject(fault) {
      if (fault !== 'full') armed = fault
      else {
        await login(current, 'consumer')
        server.limit(1)
        await write(server, readFileSync(file, 'utf8'))
      }
    },
    async close() {
      await Promise.all(late)
      for (const connection of connections) await connection.close()
      await http.close()
      server.limit(65_536)
    },
  }
}

/** What a manifest says of a server. */
export function nodeOf({ port, folder, monitor }: Pick<ConfigServer, 'port' | 'folder' | 'monitor'>, name = 'n1'): { readonly name: string; readonly [key: string]: unknown } {
  return { name, server: `nats://127.0.0.1:${port}`, monitor, file: join(folder, 'users.json'), reload: { pidFile: join(folder, 'pid') } }
}

/** What a manifest says of the issuer. A hash that is cheap. */
export function configOf(server: ConfigServer, strategy: Strategy, front: Pick<FaultyHttp, 'url'> = { url: server.monitor }): object {
  return { strategy, user: strategy === 'overlap' ? 'robot' : 'worker', cost: 4, nodes: [{ ...nodeOf(server), monitor: front.url }] }
}

/** Writes the file and has the server read it. */
async function write(server: ConfigServer, text: string): Promise<void> {
  const before = await loadTime(server)
  writeFileSync(join(server.folder, 'users.json'), text, { mode: 0o600 })
  server.signal(Number(readFileSync(join(server.folder, 'pid'), 'utf8')), 'SIGHUP')
  await until('the server has read it', 10_000, async () => ((await loadTime(server)) === before ? undefined : true))
}

async function loadTime({ monitor }: ConfigServer): Promise<unknown> {
  const response = await fetch(`${monitor}/varz`, { signal: AbortSignal.timeout(10_000) })
  return ((await response.json()) as { readonly config_load_time: unknown }).config_load_time
}
