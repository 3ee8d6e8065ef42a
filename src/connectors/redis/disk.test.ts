import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loginOf, redisWorld } from '../../../test/servers/redis-issuer.ts'
import { askRedis } from '../../../test/servers/redis.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { intentOf, testCall, verdictEverywhere } from '../../testing/issuer-acts.ts'
import { type FakeRedis, type Keeping, startFakeRedis } from './fake.ts'

const admin = { user: 'keeper', password: generate(ALNUM, 24) }
type World = Awaited<ReturnType<typeof redisWorld>>

describe.each(['aclfile', 'config'] as const)('users kept in %s', (keeping: Keeping) => {
  let server: FakeRedis
  let world: World
  beforeEach(async () => {
    server = await startFakeRedis({ users: [`user keeper on >${admin.password} ~* &* +@all`], keeping })
    world = await redisWorld(server.port, admin, 'alternate')
    await askRedis(server.port, admin, ...(keeping === 'aclfile' ? ['ACL', 'SAVE'] : ['CONFIG', 'REWRITE']))
  })
  afterEach(async () => {
    await world.close()
    await server.close()
  })

  it('what is accepted is on disk: keyturn dies as its answer is lost, the server starts again, and it is still accepted', async () => {
    const [issuer, intent] = [world.open(), intentOf(world.open(), world.current, 'a')]
    world.proxy.inject({ on: /^EXEC$/, act: 'lose-answer' })
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'unknown' })
    server.restart()
    expect(await verdictEverywhere(issuer, intent.credential)).toBe('accepted')
  })

  it('what was not carried out leaves nothing', async () => {
    const [issuer, intent] = [world.open(), intentOf(world.open(), world.current, 'a')]
    world.proxy.inject({ on: /^EXEC$/, act: 'cut' })
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'unknown' })
    expect(await verdictEverywhere(issuer, intent.credential)).toBe('rejected')
    expect(await verdictEverywhere(issuer, world.current)).toBe('accepted')
  })

  it.each([[0, 'before'], [1, 'with']])('a file that is spoilt after %s saves, %s the change: refused, and the users are as they were', async (saves) => {
    const [issuer, intent] = [world.open(), intentOf(world.open(), world.current, 'a')]
    const before = await askRedis(server.port, admin, 'ACL', 'LIST')
    server.spoilFileAfter(saves)
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'refused', code: 'STORE_DENIED', about: expect.stringContaining('primary') })
    expect(await askRedis(server.port, admin, 'ACL', 'LIST')).toEqual(before)
  })

  it('an end that cannot be kept is taken back: it would be undone by a restart', async () => {
    const [issuer, intent] = [world.open(), intentOf(world.open(), world.current, 'a')]
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
    server.spoilFileAfter(1)
    expect(await issuer.set(world.current.id, 'off', testCall())).toMatchObject({ is: 'refused', code: 'STORE_DENIED' })
    expect(await verdictEverywhere(issuer, world.current)).toBe('accepted')
  })

  it('in place, what cannot be kept is taken back, settings too', async () => {
    const own = await redisWorld(server.port, admin, 'in-place')
    await askRedis(server.port, admin, 'CONFIG', 'SET', 'masterauth', loginOf(own.current).password)
    const shown = async (): Promise<unknown> => [String(await askRedis(server.port, admin, 'ACL', 'LIST')).replaceAll('sanitize-payload ', ''), await askRedis(server.port, admin, 'CONFIG', 'GET', 'requirepass', 'masterauth')]
    const before = await shown()
    // Each try writes what there is: the ACL file too, where there is one.
    server.spoilFileAfter(keeping === 'aclfile' ? 3 : 1)
    const issuer = own.open()
    expect(await issuer.mint(intentOf(issuer, own.current, 'a'), testCall())).toMatchObject({ is: 'refused', code: 'STORE_DENIED', about: expect.stringContaining('CONFIG REWRITE') })
    expect(await shown()).toEqual(before)
    await own.close()
  })
})
