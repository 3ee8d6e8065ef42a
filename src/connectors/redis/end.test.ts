import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { redisWorld } from '../../../test/servers/redis-issuer.ts'
import { askRedis } from '../../../test/servers/redis.ts'
import { until } from '../../../demo/until.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { intentOf, testCall, verdictEverywhere } from '../../testing/issuer-acts.ts'
import { type FakeRedis, startFakeRedis } from './fake.ts'

const admin = { user: 'keeper', password: generate(ALNUM, 24) }
let server: FakeRedis
beforeEach(async () => {
  server = await startFakeRedis({ users: [`user keeper on >${admin.password} ~* &* +@all`], keeping: 'aclfile' })
})
afterEach(() => server.close())

describe.each([['overlap', 'gone'], ['alternate', 'off'], ['alternate', 'gone']] as const)('%s, %s', (strategy, end) => {
  it('ends the sessions of the user in the same go, so that they are ended though the answer is lost, and no others', async () => {
    const world = await redisWorld(server.port, admin, strategy)
    const issuer = world.open()
    expect(await issuer.mint(intentOf(issuer, world.current, 'a'), testCall())).toMatchObject({ is: 'done' })
    const [old, ...others] = await Promise.all([world.current, ...world.siblings].map((one) => world.use(one)))
    world.proxy.inject({ on: /^EXEC$/, act: 'lose-answer' })
    expect(await issuer.set(world.current.id, end, testCall())).toMatchObject({ is: 'unknown' })
    await until('the session is ended', 2_000, async () => ((await old?.alive()) === false ? true : undefined))
    for (const other of others) expect(await other.alive()).toBe(true)
    await world.close()
  })
})

it('overlap: of two runs that end the same password at once, the later one does not bring it back', async () => {
  const world = await redisWorld(server.port, admin, 'overlap')
  const [one, other] = [world.open(), world.open()]
  expect(await one.mint(intentOf(one, world.current, 'a'), testCall())).toMatchObject({ is: 'done' })
  world.proxy.inject({ on: /^EXEC$/, act: 'hold', ms: 1_000 })
  const late = one.set(world.current.id, 'gone', testCall())
  await until('it is under way', 5_000, () => (world.proxy.wire().includes('KILL') ? true : undefined))
  const answers = await Promise.all([other.set(world.current.id, 'gone', testCall()), late])
  expect(answers.map(({ is }) => is)).toContain('done')
  expect(await verdictEverywhere(one, world.current)).toBe('rejected')
  await world.close()
})

describe('what is not there', () => {
  it('one password that was never minted is gone already, and nobody is disturbed', async () => {
    const world = await redisWorld(server.port, admin, 'overlap')
    const issuer = world.open()
    const session = await world.use(world.current)
    expect(await issuer.set(issuer.propose(world.current).id, 'gone', testCall())).toMatchObject({ is: 'done', value: { evidence: { absent: true } } })
    expect(await session.alive()).toBe(true)
    await world.close()
  })

  it('a companion that was never made is not made by turning it off, and cannot be turned on', async () => {
    const world = await redisWorld(server.port, admin, 'alternate')
    const [issuer, before] = [world.open(), await askRedis(server.port, admin, 'ACL', 'LIST')]
    const { id } = issuer.propose(world.current)
    expect(await issuer.set(id, 'off', testCall())).toMatchObject({ is: 'done' })
    expect(await issuer.set(id, 'on', testCall())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    expect(await askRedis(server.port, admin, 'ACL', 'LIST')).toEqual(before)
    await world.close()
  })

  it('overlap has no off, and in place nothing is ended: refused', async () => {
    for (const [strategy, end] of [['overlap', 'off'], ['overlap', 'on'], ['in-place', 'gone']] as const) {
      const world = await redisWorld(server.port, admin, strategy)
      const issuer = world.open()
      expect(await issuer.set(world.current.id, end, testCall())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
      expect(await verdictEverywhere(issuer, world.current)).toBe('accepted')
      await world.close()
    }
  })
})
