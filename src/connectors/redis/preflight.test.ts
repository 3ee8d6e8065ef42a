import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loginOf, redisWorld } from '../../../test/servers/redis-issuer.ts'
import { askRedis } from '../../../test/servers/redis.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Issuer, Secret } from '../../kit/index.ts'
import { intentOf, testCall } from '../../testing/issuer-acts.ts'
import { type FakeRedis, startFakeRedis } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './manifest.ts'
import { loadLibrary } from './session.ts'

const admin = { user: 'keeper', password: generate(ALNUM, 24) }
let server: FakeRedis
beforeEach(async () => {
  server = await startFakeRedis({ users: [`user keeper on >${admin.password} ~* &* +@all`], keeping: 'aclfile' })
})
afterEach(() => server.close())

type World = Awaited<ReturnType<typeof redisWorld>>

async function inWorld(strategy: 'alternate' | 'overlap' | 'in-place', body: (world: World, issuer: Issuer) => Promise<void>): Promise<void> {
  const world = await redisWorld(server.port, admin, strategy)
  try {
    await body(world, world.open())
  } finally {
    await world.close()
  }
}

const look = ({ current }: World, issuer: Issuer): Promise<Answer<unknown>> => issuer.preflight(current, intentOf(issuer, current, 'a').credential.id, testCall())
const ask = (...command: readonly string[]): Promise<unknown> => askRedis(server.port, admin, ...command)

describe('preflight', () => {
  it('refuses a user that is open to any password, which a probe cannot prove anything about (I12)', () => inWorld('overlap', async (world, issuer) => {
    // As Redis has it, `nopass` takes the passwords away; the user is let in as before.
    await ask('ACL', 'SETUSER', loginOf(world.current).user, 'nopass')
    expect(await look(world, issuer)).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS', about: expect.stringContaining('nopass') })
  }))

  it.each(['alternate', 'overlap', 'in-place'] as const)('%s: refuses an admin who is the user that is rotated (I4)', async (strategy) => {
    const own = { id: admin.user, fields: { user: new Secret(admin.user), password: new Secret(admin.password) } }
    const issuer = openIssuer(issuerSchema.parse({ admin: '${env:REDIS_ADMIN_URL}', user: admin.user, strategy }), {
      base: '/', now: () => Date.now(), resolve: async () => new Secret(`redis://${admin.user}:${admin.password}@127.0.0.1:${server.port}`), conceal() {},
    })
    expect(await issuer.preflight(own, intentOf(issuer, own, 'a').credential.id, testCall())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('an admin of its own') })
  })

  it('refuses a user of replication, unless in place', async () => {
    await inWorld('alternate', async (world, issuer) => {
      await ask('CONFIG', 'SET', 'masteruser', loginOf(world.current).user, 'masterauth', loginOf(world.current).password)
      expect(await look(world, issuer)).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('masterauth') })
    })
    await inWorld('in-place', async (world, issuer) => {
      await ask('CONFIG', 'SET', 'masteruser', '', 'masterauth', loginOf(world.current).password)
      expect(await look(world, issuer)).toMatchObject({ is: 'done' })
    })
  })

  it('says what overlap cannot see, and what requirepass goes on to show', () => inWorld('overlap', async (world, issuer) => {
    expect(await look(world, issuer)).toMatchObject({ is: 'done', value: { fenced: false, notices: [expect.stringContaining('unfenced'), expect.stringContaining('quiet: 0s')] } })
    expect(await issuer.observe(testCall())).toMatchObject({ is: 'done', value: { seenUpTo: 0 } })
  }))
})

describe('a new password', () => {
  it.each(['alternate', 'overlap'] as const)('%s: does not cross the connection when it is set (I11)', (strategy) => inWorld(strategy, async (world, issuer) => {
    const intent = intentOf(issuer, world.current, 'a')
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
    expect(world.proxy.wire()).toContain('SETUSER')
    expect(world.proxy.wire()).not.toContain(loginOf(intent.credential).password)
  }))

  it('is called by a digest that is not the one that Redis lists', () => inWorld('overlap', async (world, issuer) => {
    const listed = String(await ask('ACL', 'LIST'))
    const digest = world.current.id.split('#')[1] ?? ''
    expect(digest).toMatch(/^[0-9a-f]{12}$/)
    expect(listed).not.toContain(digest)
    expect(issuer.idOf({ ...world.current.fields })).toBe(world.current.id)
  }))
})

it('the package that is not installed is named, with what installs it', async () => {
  const gone = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  await expect(loadLibrary(() => Promise.reject(gone))).rejects.toMatchObject({ code: 'PACKAGE_MISSING', about: '@redis/client (npm install @redis/client@6)' })
})
