import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Credential, type Issuer, Secret } from '../../../src/kit/index.ts'
import { intentOf, testCall } from '../../../src/testing/issuer-acts.ts'
import { loginOf, redisWorld } from '../../servers/redis-issuer.ts'
import { askRedis, connectRedis, type RealRedis, type RedisPlan, startRedis } from '../../servers/redis.ts'

type World = Awaited<ReturnType<typeof redisWorld>>
type Strategy = 'alternate' | 'overlap' | 'in-place'

async function onRedis(plan: RedisPlan, strategy: Strategy, body: (server: RealRedis, world: World, issuer: Issuer) => Promise<void>, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const server = await startRedis(plan)
  try {
    const world = await redisWorld(server.port, server.admin, strategy, more)
    try {
      await body(server, world, world.open())
    } finally {
      await world.close()
    }
  } finally {
    await server.close()
  }
}

/** Mints the next one at a server that takes it. */
async function mintNext(issuer: Issuer, current: Credential): Promise<Credential> {
  const intent = intentOf(issuer, current, 'attempt-1')
  expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
  return intent.credential
}

async function verdictOf(issuer: Issuer, credential: Credential): Promise<unknown> {
  const answer = await issuer.probe(credential, 'primary', testCall())
  return answer.is === 'done' ? answer.value : answer
}

const ACCEPTED = { verdict: 'accepted', code: 'OK' }
const REJECTED = { verdict: 'rejected', code: 'WRONGPASS' }

async function usersAt({ port, admin }: RealRedis): Promise<readonly string[]> {
  return (await askRedis(port, admin, 'ACL', 'LIST')) as string[]
}

describe.each(['config', 'aclfile'] as const)('kept in %s', (keeping) => {
  it.each(['alternate', 'overlap'] as const)('%s: after a restart the new one is accepted, and the old one rejected in the server\'s own words (S0-55, T-08)', (strategy) =>
    onRedis({ keeping }, strategy, async (server, world, issuer) => {
      const next = await mintNext(issuer, world.current)
      await server.restart()
      expect([await verdictOf(issuer, world.current), await verdictOf(issuer, next)]).toEqual([ACCEPTED, ACCEPTED])
      for (const end of issuer.traits.ends) {
        expect(await issuer.set(world.current.id, end, testCall())).toMatchObject({ is: 'done' })
        await server.restart()
        expect([await verdictOf(issuer, world.current), await verdictOf(issuer, next)]).toEqual([REJECTED, ACCEPTED])
      }
    }))

  it('requirepass in place: after a restart the new one is accepted and the old one is not, and CONFIG GET shows the new one (S0-51, S0-55)', () =>
    onRedis({ keeping }, 'in-place', async (server, world, issuer) => {
      const next = await mintNext(issuer, world.current)
      for (const _ of [1, 2]) {
        expect([await verdictOf(issuer, world.current), await verdictOf(issuer, next)]).toEqual([REJECTED, ACCEPTED])
        expect((await askRedis(server.port, server.admin, 'CONFIG', 'GET', 'requirepass')) as object).toMatchObject({ requirepass: loginOf(next).password })
        await server.restart()
      }
    }))

  it.each(['alternate', 'overlap'] as const)('%s of the default user, whose requirepass goes on to stand in the configuration: a restart brings nothing back', (strategy) =>
    onRedis({ keeping }, strategy, async (server, world, issuer) => {
      const intent = intentOf(issuer, world.current, 'attempt-1')
      expect(await issuer.preflight(world.current, intent.credential.id, testCall())).toMatchObject({ is: 'done', value: { notices: expect.arrayContaining([expect.stringContaining('requirepass')]) } })
      expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
      for (const end of issuer.traits.ends) {
        expect(await issuer.set(world.current.id, end, testCall())).toMatchObject({ is: 'done' })
        await server.restart()
        expect([await verdictOf(issuer, world.current), await verdictOf(issuer, intent.credential)]).toEqual([REJECTED, ACCEPTED])
      }
    }, { user: 'default' }))

  it('in place of a user other than default: all other passwords of it are rejected, also after a restart', () => onRedis({ keeping }, 'in-place', async (server, world, issuer) => {
    await askRedis(server.port, server.admin, 'ACL', 'SETUSER', 'worker', '>second')
    const next = await mintNext(issuer, world.current)
    await server.restart()
    const second = { id: 'worker', fields: { ...world.current.fields, password: new Secret('second') } }
    expect([await verdictOf(issuer, world.current), await verdictOf(issuer, second), await verdictOf(issuer, next)]).toEqual([REJECTED, REJECTED, ACCEPTED])
  }, { user: 'worker' }))

  it('a file that cannot be written is found before anything is changed, and named', () => onRedis({ keeping }, 'alternate', async (server, world, issuer) => {
    const before = await usersAt(server)
    const file = join(server.folder, keeping === 'config' ? 'redis.conf' : 'users.acl')
    rmSync(file)
    mkdirSync(join(file, 'in-the-way'), { recursive: true })
    const answer = await issuer.mint(intentOf(issuer, world.current, 'attempt-1'), testCall())
    expect(answer).toMatchObject({ is: 'refused', code: 'STORE_DENIED', about: expect.stringContaining(keeping === 'config' ? 'CONFIG REWRITE' : 'ACL SAVE') })
    expect(await usersAt(server)).toEqual(before)
  }))
})

describe('without a file', () => {
  it('preflight and mint refuse, name the node and what to do, and change nothing', () => onRedis({ keeping: 'nothing' }, 'in-place', async (server, world, issuer) => {
    const before = await usersAt(server)
    const intent = intentOf(issuer, world.current, 'attempt-1')
    for (const answer of [await issuer.preflight(world.current, intent.credential.id, testCall()), await issuer.mint(intent, testCall())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringMatching(/primary was started without a configuration file .* `persist: never`/) })
    }
    expect(await usersAt(server)).toEqual(before)
  }))

  it('persist: never goes on, and says what a restart does', () => onRedis({ keeping: 'nothing' }, 'alternate', async (_server, world, issuer) => {
    const ahead = await issuer.preflight(world.current, intentOf(issuer, world.current, 'a').credential.id, testCall())
    expect(ahead).toMatchObject({ is: 'done', value: { notices: expect.arrayContaining([expect.stringContaining('a restart')]) } })
    expect(await verdictOf(issuer, await mintNext(issuer, world.current))).toEqual(ACCEPTED)
  }, { persist: 'never' }))
})

describe('what is not ours', () => {
  it('sessions of other users and in other databases live on when the old user\'s are ended, and their keys are there (S0-54)', () =>
    onRedis({ keeping: 'config' }, 'alternate', async (server, world, issuer) => {
      const other = await connectRedis(server.port, server.admin, 'sessions')
      await other.select(6)
      await other.set('session:1', 'kept')
      const next = await mintNext(issuer, world.current)
      const [old, fresh] = [await world.use(world.current), await world.use(next)]
      expect(await issuer.set(world.current.id, 'off', testCall())).toMatchObject({ is: 'done', value: { evidence: { ended: 1 } } })
      expect([await old.alive(), await fresh.alive(), await other.get('session:1')]).toEqual([false, true, 'kept'])
      other.destroy()
    }))

  it.each(['alternate', 'overlap', 'in-place'] as const)('%s: other users are the same byte for byte', (strategy) => onRedis({ keeping: 'aclfile' }, strategy, async (server, world, issuer) => {
    const { user } = loginOf(world.current)
    const theirs = (lines: readonly string[]): readonly string[] => lines.filter((line) => ![user, `${user}_alt`].includes(line.split(' ')[1] ?? ''))
    const before = theirs(await usersAt(server))
    await mintNext(issuer, world.current)
    for (const end of issuer.traits.ends) await issuer.set(world.current.id, end, testCall())
    expect(theirs(await usersAt(server))).toEqual(before)
    const file = readFileSync(join(server.folder, 'users.acl'), 'utf8')
    for (const line of before) expect(file).toContain(line)
  }))
})

describe('the pair', () => {
  it('has the same rights, selectors and channels too, again at every mint', () => onRedis({ keeping: 'config' }, 'alternate', async (server, world, issuer) => {
    const { user } = loginOf(world.current)
    const rulesOf = async (name: string): Promise<unknown> => {
      const { commands, keys, channels, selectors } = (await askRedis(server.port, server.admin, 'ACL', 'GETUSER', name)) as Record<string, unknown>
      return { commands, keys, channels, selectors }
    }
    for (const change of [['&news.*', '(%R~shared:* +get)'], ['-set', '~more:*', 'clearselectors']]) {
      await askRedis(server.port, server.admin, 'ACL', 'SETUSER', user, ...change)
      await mintNext(issuer, world.current)
      expect(await rulesOf(`${user}_alt`)).toEqual(await rulesOf(user))
      expect(await issuer.set(`${user}_alt`, 'gone', testCall())).toMatchObject({ is: 'done' })
    }
  }))

  it('a user that somebody may use is never given another password', () => onRedis({ keeping: 'config' }, 'alternate', async (server, world, issuer) => {
    const next = await mintNext(issuer, world.current)
    expect(await issuer.preflight(world.current, next.id, testCall())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
    const session = await world.use(next)
    expect(await issuer.mint(intentOf(issuer, world.current, 'b'), testCall())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: expect.stringContaining('app@127.0.0.1 (1)') })
    expect([await session.alive(), await verdictOf(issuer, next)]).toEqual([true, ACCEPTED])
    expect((await usersAt(server)).filter((line) => line.includes(next.id))).toHaveLength(1)
  }))
})

it('rights that the admin lacks are named as one grants them', () => onRedis({ keeping: 'config' }, 'alternate', async (server, world, issuer) => {
  const look = () => issuer.preflight(world.current, intentOf(issuer, world.current, 'a').credential.id, testCall())
  // The last rule counts; nobody but this user takes rights from it, so it goes on being told about.
  await askRedis(server.port, server.admin, 'ACL', 'SETUSER', server.admin.user, '-client|kill', '-config|rewrite')
  expect(await look()).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: 'keeper lacks +config|rewrite, +client|kill at primary' })
  await askRedis(server.port, server.admin, 'ACL', 'SETUSER', server.admin.user, '-@all', '+acl|setuser', '+acl|list', '+config|set')
  expect(await look()).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('+acl|dryrun') })
  const least = ['acl|dryrun', 'acl|list', 'acl|setuser', 'acl|deluser', 'acl|save', 'config|get', 'config|rewrite', 'config|set', 'cluster|info', 'info', 'time', 'client|list', 'client|kill', 'multi', 'exec']
  await askRedis(server.port, server.admin, 'ACL', 'SETUSER', server.admin.user, '-@all', ...least.map((right) => `+${right}`))
  expect(await look()).toMatchObject({ is: 'done' })
  const next = await mintNext(issuer, world.current)
  for (const end of issuer.traits.ends) expect(await issuer.set(world.current.id, end, testCall())).toMatchObject({ is: 'done' })
  expect([await verdictOf(issuer, world.current), await verdictOf(issuer, next)]).toEqual([REJECTED, ACCEPTED])
}))

it('an outage longer than the deadline leaves nothing unsettled: repeated, the same password is there once', () => onRedis({ keeping: 'config' }, 'overlap', async (server, world, issuer) => {
  const intent = intentOf(issuer, world.current, 'attempt-1')
  server.signal('SIGSTOP')
  const answers = [await issuer.mint(intent, testCall({ within: 1_000 })), await issuer.probe(world.current, 'primary', testCall({ within: 500 }))]
  server.signal('SIGCONT')
  expect(answers).toMatchObject([{ is: 'refused', code: 'DEADLINE' }, { is: 'unknown', code: 'DEADLINE' }])
  for (const _ of [1, 2]) expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
  const line = (await usersAt(server)).find((one) => one.startsWith(`user ${loginOf(world.current).user} `)) ?? ''
  expect(line.match(/#/g)).toHaveLength(2)
  expect([await verdictOf(issuer, world.current), await verdictOf(issuer, intent.credential)]).toEqual([ACCEPTED, ACCEPTED])
}))
