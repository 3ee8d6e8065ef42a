import { createHash } from 'node:crypto'
import { type Credential, Secret } from '../../src/kit/index.ts'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import { openIssuer } from '../../src/connectors/redis/index.ts'
import { issuerSchema } from '../../src/connectors/redis/manifest.ts'
import { type FaultyProxy, faultyProxy } from '../../src/connectors/redis/fake.ts'
import type { Fault } from '../../src/testing/faults.ts'
import type { IssuerWorld } from '../../src/testing/issuer.ts'
import { askRedis, connectRedis, type Login } from './redis.ts'

type Strategy = 'alternate' | 'overlap' | 'in-place'

/** What the users of a world may do. */
export const RULES = '~app:* resetchannels -@all +get +set +ping'.split(' ')

/** A user with a fresh password at the servers on these ports, real or pretended. */
export async function makeUser(ports: readonly number[], admin: Login, name: string): Promise<Credential> {
  const password = generate(ALNUM, 24)
  const hash = createHash('sha256').update(password).digest('hex')
  for (const port of ports) await askRedis(port, admin, 'ACL', 'SETUSER', name, 'on', 'resetpass', `#${hash}`, ...(name === 'default' ? [] : RULES))
  return { id: name, fields: { user: new Secret(name), password: new Secret(password) } }
}

/** The login of a credential. */
export function loginOf({ fields: { user, password } }: Credential): Login {
  return { user: user?.reveal() ?? '', password: password?.reveal() ?? '' }
}

/** A principal of this strategy at a server, reached through a proxy that produces the faults. */
export async function redisWorld(port: number, admin: Login, strategy: Strategy, more: Readonly<Record<string, unknown>> = {}): Promise<IssuerWorld & { readonly proxy: FaultyProxy }> {
  const name = typeof more['user'] === 'string' ? more['user'] : strategy === 'in-place' ? 'default' : `app-${generate(ALNUM, 8)}`
  const made = await makeUser([port], admin, name)
  if (name === 'default') await askRedis(port, admin, 'CONFIG', 'SET', 'requirepass', loginOf(made).password)
  const sibling = await makeUser([port], admin, `sibling-${generate(ALNUM, 8)}`)
  const proxy = await faultyProxy({ port })
  const url = new URL(`redis://127.0.0.1:${proxy.port}`)
  Object.assign(url, { username: admin.user, password: admin.password })
  const open = (): ReturnType<typeof openIssuer> => openIssuer(issuerSchema.parse({ admin: '${env:REDIS_ADMIN_URL}', user: name, strategy, ...more }), {
    base: '/', now: () => Date.now(), resolve: async () => new Secret(url.href), conceal() {},
  })
  const clients: Awaited<ReturnType<typeof connectRedis>>[] = []
  const use: IssuerWorld['use'] = async (credential) => {
    const client = await connectRedis(port, loginOf(credential), 'app')
    clients.push(client)
    return {
      alive: async () => client.isOpen && (await client.ping().then(() => true, () => false)),
      async close() {
        if (client.isOpen) client.destroy()
      },
    }
  }
  return {
    current: { ...made, id: open().idOf(made.fields) ?? name }, siblings: [sibling], open, use, proxy,
    async inject(fault) {
      if (fault !== 'full') return produce(proxy, fault)
      if (strategy === 'overlap') await askRedis(port, admin, 'ACL', 'SETUSER', name, `>${generate(ALNUM, 24)}`)
      for (let count = 0; count < 12; count += 1) await use(made)
      await askRedis(port, admin, 'CONFIG', 'SET', 'maxclients', '20')
    },
    async close() {
      for (const client of clients) if (client.isOpen) client.destroy()
      await proxy.close()
      await askRedis(port, admin, 'CONFIG', 'SET', 'maxclients', '1000')
    },
  }
}

function produce(proxy: FaultyProxy, fault: Exclude<Fault, 'full'>): void {
  if (fault === 'answer-lost') proxy.inject({ on: /^EXEC$/, act: 'lose-answer' })
  if (fault === 'unreachable') proxy.refuseNext(1)
  if (fault === 'server-error') proxy.inject({ on: /^EXEC$/, act: 'error', error: 'ERR produced by the test' })
  if (fault === 'slow') proxy.inject({ on: /^EXEC$/, act: 'hold', ms: 700 })
}
