import { randomBytes } from 'node:crypto'
import { connect } from 'amqplib'
import { until } from '../../../demo/until.ts'
import { openIssuer } from '../../../src/connectors/rabbitmq/index.ts'
import { issuerSchema } from '../../../src/connectors/rabbitmq/manifest.ts'
import { type FaultyHttp, forwardTo, type HttpAsked, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import type { Credential, Issuer } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'
import type { IssuerWorld } from '../../../src/testing/issuer.ts'

/** What a broker or its fake is reached by. */
export interface Reached {
  readonly amqpPort: number
  readonly url: string
  readonly admin: { readonly user: string; readonly password: string }
  ask(method: string, path: string, body?: object): Promise<unknown>
}

/** A session as a consumer holds it. */
export interface Held {
  alive(): Promise<boolean>
  close(): Promise<void>
}

/** A connection that stays open. Throws what the driver throws. */
export async function hold({ amqpPort }: Pick<Reached, 'amqpPort'>, vhost: string, { fields }: Credential): Promise<Held> {
  const connection = await connect({ hostname: '127.0.0.1', port: amqpPort, vhost, username: fields['user']?.reveal() ?? '', password: fields['password']?.reveal() ?? '', heartbeat: 0 })
  let open = true
  // The broker may cut it at any time; `alive` tells.
  connection.on('error', () => undefined)
  connection.on('close', () => { open = false })
  return {
    alive: async () => {
      try {
        const channel = await connection.createChannel()
        await channel.close()
        return open
      } catch {
        return false
      }
    },
    close: async () => {
      if (open) await connection.close().catch(() => undefined)
    },
  }
}

/** Makes a user of this virtual host, with a topic permission and a tag. */
export async function makeUser(server: Reached, vhost: string, prefix: string): Promise<Credential> {
  const name = `${prefix}_${randomBytes(5).toString('hex')}`
  const password = `Old${randomBytes(15).toString('hex')}`
  await server.ask('PUT', `/api/users/${name}`, { password, tags: 'monitoring' })
  await server.ask('PUT', `/api/permissions/${vhost}/${name}`, { configure: '^own', write: '.*', read: '.*' })
  await server.ask('PUT', `/api/topic-permissions/${vhost}/${name}`, { exchange: 'amq.topic', write: '^own', read: '.*' })
  return { id: name, fields: { user: new Secret(name), password: new Secret(password) } }
}

/** The connector, with the management API behind this URL. */
export function issuerAt(server: Reached, config: object, api: string = server.url): Issuer {
  const endpoints = [{ name: 'primary', host: '127.0.0.1', port: server.amqpPort }]
  return openIssuer(issuerSchema.parse({ api, admin: { user: server.admin.user, password: '${env:RABBITMQ_PASSWORD}' }, endpoints, ...config }), {
    base: '/', now: () => Date.now(), resolve: async () => new Secret(server.admin.password), conceal: () => undefined,
  })
}

/** A user in a virtual host of its own, whose management API is reached through a proxy that produces the faults. */
export async function makeWorld(server: Reached, strategy: 'alternate' | 'in-place'): Promise<IssuerWorld> {
  const vhost = `v${randomBytes(5).toString('hex')}`
  await server.ask('PUT', `/api/vhosts/${vhost}`)
  const [current, sibling] = [await makeUser(server, vhost, 'app'), await makeUser(server, vhost, 'sibling')]
  const proxy = await frontOf(server)
  const held: Held[] = []
  let down = false
  let back: Promise<void> | undefined
  const use = async (credential: Credential): Promise<Held> => {
    const one = await hold(server, vhost, credential)
    held.push(one)
    return one
  }
  return {
    current, siblings: [sibling], use,
    open: () => {
      // An outage lasts until the next run of keyturn.
      if (down) back = proxy.restart()
      down = false
      return issuerAt(server, { user: current.id, vhost, strategy }, proxy.url)
    },
    async inject(fault) {
      if (fault === 'full') {
        await use(current)
        await server.ask('PUT', `/api/vhost-limits/${vhost}/max-connections`, { value: 1 })
        await until('the connection is listed', 10_000, async () => ((await server.ask('GET', `/api/connections/username/${current.id}`)) as unknown[]).length > 0 ? true : undefined)
      } else {
        await proxy.inject(fault)
        down = fault === 'unreachable'
      }
    },
    async close() {
      await back
      for (const one of held) await one.close()
      await proxy.close()
      await server.ask('DELETE', `/api/vhosts/${vhost}`)
    },
  }
}

/** Before the management API: faults befall what changes a user. `onBody` is told every body that clients sent. */
export function frontOf(server: Reached, onBody: (body: string) => void = () => undefined): Promise<FaultyHttp> {
  const forward = forwardTo(server.url)
  return startFaultyHttp({
    isEffect: ({ method, url }) => method === 'PUT' && /^\/api\/(users|user-limits)\//.test(url),
    answer: (asked: HttpAsked) => {
      onBody(asked.body.toString('utf8'))
      return forward(asked)
    },
    serverError: { status: 500, body: '{}' },
  })
}
