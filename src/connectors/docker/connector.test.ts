import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Consumer, Presented } from '../../kit/consumer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type ConsumerWorld, consumerSuite, valueOf } from '../../testing/consumer.ts'
import { type FakeContainer, type FakeDocker, startFakeDocker } from './fake.ts'
import { openConsumer } from './index.ts'
import manifest, { consumerSchema } from './manifest.ts'

interface World extends ConsumerWorld {
  readonly fake: FakeDocker
  open(more?: object): Consumer
}

function presented(): Presented {
  const value = new Secret(generate(ALNUM, 32))
  return { fields: { password: value }, entries: { APP_USER: new Secret('somebody'), APP_PASSWORD: value } }
}

function linesOf({ entries }: Presented): string[] {
  return Object.entries(entries).map(([key, value]) => `${key}=${value.reveal()}`)
}

function passwordOf({ body }: FakeContainer): string | undefined {
  return body.Env.find((line) => line.startsWith('APP_PASSWORD='))?.slice('APP_PASSWORD='.length)
}

const NUMBER = 'com.docker.compose.container-number'
const SHAPE = { web: { compose: { project: 'atlas', service: 'web', scale: 2 } }, single: { container: { name: 'app', envFile: 'app.env' } } }

async function world(kind: 'web' | 'single'): Promise<World> {
  const fake = await startFakeDocker()
  const [next, old] = [presented(), presented()]
  const host: Host = { base: fake.folder, now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
  const publish = (which: Presented): void => writeFileSync(join(fake.folder, 'app.env'), `${linesOf(which).join('\n')}\n`, { mode: 0o600 })
  const open = (more: object = {}): Consumer => {
    const target = kind === 'web' ? { compose: { ...SHAPE.web.compose, command: fake.compose } } : SHAPE.single
    return openConsumer(consumerSchema.parse({ socket: fake.socket, readyWithin: '1s', ...target, ...more }), host)
  }
  publish(old)
  if (kind === 'single') fake.run('app', ['KEPT=as it is', ...linesOf(old)])
  else for (const number of ['1', '2']) fake.run(`atlas-web-${number}`, linesOf(old), { labels: { 'com.docker.compose.project': 'atlas', 'com.docker.compose.service': 'web', 'com.docker.compose.oneoff': 'False', [NUMBER]: number } })
  const nth = (name: string): FakeContainer | undefined =>
    kind === 'single' ? fake.containers.find((one) => one.name === name) : fake.containers.toSorted((one, two) => Number(one.body.Labels[NUMBER]) - Number(two.body.Labels[NUMBER]))[Number(name.split('-')[1]) - 1]
  return {
    fake, next, old, publish, open,
    consumer: open(),
    again: open(),
    truth: async (name) => {
      const one = nth(name)
      const value = one?.running === true ? passwordOf(one) : undefined
      return value === undefined ? undefined : value === next.entries['APP_PASSWORD']?.reveal() ? 'new' : value === old.entries['APP_PASSWORD']?.reveal() ? 'old' : 'neither'
    },
    break: (fault) => {
      const last = fake.containers.at(-1)
      if (fault !== 'gone') fake.faults.add(fault === 'slow' ? 'slow' : 'failing')
      else if (last !== undefined) last.running = false
    },
    close: fake.stop,
  }
}

for (const kind of ['web', 'single'] as const) {
  consumerSuite(proving({ connector: 'docker', as: 'consumer', on: 'fake' }), kind === 'web' ? 'docker, a service of compose' : 'docker, a container', () => world(kind))
}

async function inWorld(kind: 'web' | 'single', body: (world: World) => Promise<void>): Promise<void> {
  const opened = await world(kind)
  try {
    await body(opened)
  } finally {
    await opened.close()
  }
}

describe('a service of compose', () => {
  it('is replaced one after the other, and stops at the first that does not get well; the next is not touched (S1-38)', () =>
    inWorld('web', async ({ fake, consumer, publish, next, truth }) => {
      publish(next)
      fake.faults.add('slow')
      expect(await consumer.reload(callWithin(10_000))).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY' })
      expect(fake.containers.map(({ name }) => name).sort()).toEqual(['atlas-web-2', 'atlas-web-3'])
      expect(await truth('web-1')).toBe('old')
    }))

  it('never has fewer than one that serves while it is replaced: those that are sick go first', () =>
    inWorld('web', async ({ fake, consumer, publish, next }) => {
      publish(next)
      const sick = fake.containers[1]
      if (sick !== undefined) sick.health = 'unhealthy'
      valueOf(await consumer.reload(callWithin(10_000)))
      const removed = fake.seen.filter((line) => line.startsWith('DELETE')).map((line) => line.split('/')[2])
      expect(removed[0]).toBe(sick?.id)
      expect(removed).toHaveLength(2)
    }))

  it('has its instances replaced all at once when that is asked', () =>
    inWorld('web', async ({ fake, consumer, publish, next, truth }) => {
      publish(next)
      expect(await consumer.reload(callWithin(10_000), 'at-once')).toMatchObject({ is: 'done', value: { evidence: { reloaded: 2 } } })
      expect([await truth('web-1'), await truth('web-2')]).toEqual(['new', 'new'])
      expect(fake.seen.filter((line) => line.includes('--force-recreate'))).toHaveLength(1)
    }))

  it('gets back the instance that a killed run took away', () =>
    inWorld('web', async ({ fake, consumer, publish, next }) => {
      publish(next)
      fake.containers.shift()
      expect(await consumer.preflight(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'CONSUMER_MISSING', about: 'web-2' })
      valueOf(await consumer.reload(callWithin(10_000)))
      expect(fake.containers.map(passwordOf)).toEqual(Array(2).fill(next.entries['APP_PASSWORD']?.reveal()))
    }))

  it('replaces the others when a person answers for one, and does not bring that one back', () =>
    inWorld('web', async ({ fake, consumer, publish, next, truth }) => {
      publish(next)
      const [, last] = fake.containers
      if (last !== undefined) last.running = false
      expect(await consumer.reload(callWithin(10_000), 'rolling', ['web-2'])).toMatchObject({ is: 'done', value: { evidence: { reloaded: 1 } } })
      expect(fake.containers).toHaveLength(1)
      expect(await truth('web-1')).toBe('new')
    }))

  it('is not touched when compose cannot read its files, does not know the service, or there are more than `scale` says', () =>
    inWorld('web', async ({ fake, consumer, open }) => {
      const before = fake.containers.map(({ id }) => id)
      const refusals = { COMMAND_FAILED: consumer, PRECONDITION_FAILED: open({ compose: { ...SHAPE.web.compose, scale: 1, command: fake.compose } }), COMMAND_MISSING: open({ compose: { ...SHAPE.web.compose, command: ['./no-such-compose'] } }) }
      fake.faults.add('compose')
      for (const [code, one] of Object.entries(refusals)) {
        expect(await one.reload(callWithin(5_000))).toMatchObject({ is: 'refused', code })
        expect(await one.preflight(callWithin(5_000))).toMatchObject({ is: 'refused', code })
      }
      expect(fake.containers.map(({ id }) => id)).toEqual(before)
    }))
})

describe('a single container', () => {
  it('comes back as it was, but for the entries of the env file', () =>
    inWorld('single', async ({ fake, consumer, publish, next }) => {
      const [before] = fake.containers.splice(0)
      const made = fake.run('app', before?.body.Env ?? [], { labels: { owner: 'a team' }, config: { Cmd: ['serve'], User: '1000' }, host: { Binds: ['/srv:/srv:ro'], Memory: 1 }, mounts: [{ Type: 'volume', Name: 'f00', Destination: '/data' }] })
      publish(next)
      valueOf(await consumer.reload(callWithin(10_000)))
      const [after] = fake.containers
      expect(fake.containers).toHaveLength(1)
      expect(after?.id).not.toBe(made.id)
      expect(after?.body).toEqual({ ...made.body, Env: ['KEPT=as it is', ...linesOf(next)] })
      expect(after?.host).toMatchObject({ Memory: 1, NetworkMode: 'host', Binds: ['/srv:/srv:ro', 'f00:/data'] })
    }))

  it.each(['slow', 'failing'] as const)('is brought back when the next one does not get well: %s', (fault) =>
    inWorld('single', async ({ fake, consumer, publish, next, truth }) => {
      const [before] = fake.containers.map(({ id }) => id)
      publish(next)
      fake.faults.add(fault)
      expect(await consumer.reload(callWithin(10_000))).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: 'app', evidence: { oldStarted: true } })
      expect(fake.containers.map(({ id, name }) => [id, name])).toEqual([[before, 'app']])
      fake.faults.clear()
      valueOf(await consumer.reload(callWithin(10_000)))
      expect(await truth('app')).toBe('new')
    }))

  it.each([
    ['was killed before the names were changed', (fake: FakeDocker) => fake.run('app-keyturn-next', ['APP_PASSWORD=x']).name],
    ['was killed between the names', (fake: FakeDocker) => {
      const [old] = fake.containers
      if (old !== undefined) Object.assign(old, { name: 'app-keyturn-old', running: false })
      fake.run('app-keyturn-next', ['APP_PASSWORD=x'])
    }],
    ['was killed before the old one was removed', (fake: FakeDocker) => {
      const [old] = fake.containers
      if (old !== undefined) Object.assign(old, { name: 'app-keyturn-old', running: false })
      fake.run('app', ['APP_PASSWORD=x'])
    }],
    ['was killed while the next one was sick', (fake: FakeDocker) => {
      const [old] = fake.containers
      if (old !== undefined) Object.assign(old, { name: 'app-keyturn-old', running: false })
      fake.run('app', ['APP_PASSWORD=x']).health = 'starting'
    }],
  ])('is replaced by a second run when the first %s', (_, leave) =>
    inWorld('single', async ({ fake, consumer, publish, next, truth }) => {
      leave(fake)
      publish(next)
      valueOf(await consumer.reload(callWithin(10_000)))
      expect(fake.containers.map(({ name }) => name)).toEqual(['app'])
      expect(await truth('app')).toBe('new')
    }))

  it('is refused with the reason when it could not come back, belongs to compose, or its env file is not there', () =>
    inWorld('single', async ({ fake, consumer, open }) => {
      expect(await open({ container: { name: 'app', envFile: 'none.env' } }).reload(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
      for (const more of [{ host: { AutoRemove: true } }, { labels: { 'com.docker.compose.service': 'web' } }]) {
        fake.containers.splice(0)
        fake.run('app', [], more)
        expect(await consumer.preflight(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
        expect(await consumer.reload(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      }
      fake.containers.splice(0)
      expect(await consumer.reload(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'CONSUMER_MISSING' })
    }))
})

describe('what is proven', () => {
  const attested = async ({ consumer, next, old }: World): Promise<unknown> => {
    const [first] = valueOf(await consumer.instances(callWithin(5_000))).all
    if (first === undefined) throw new Error('none listed')
    return valueOf(await consumer.attest(first, next, old, callWithin(5_000)))
  }

  it('is found out inside, by a command in which no value stands (I11)', () =>
    inWorld('single', async (opened) => {
      const { fake, old, next } = opened
      expect(await attested(opened)).toMatchObject({ holds: 'old', by: 'process', evidence: { from: 'exec', compared: 1 } })
      for (const { entries } of [old, next]) for (const line of fake.seen) expect(line).not.toContain(entries['APP_PASSWORD']?.reveal())
      expect(fake.seen.some((line) => line.includes('/proc/1/environ'))).toBe(true)
    }))

  it('is only inferred where nothing runs inside, or where inside is not its own', () =>
    inWorld('single', async (opened) => {
      opened.fake.faults.add('no-shell')
      expect(await attested(opened)).toMatchObject({ holds: 'old', by: 'inferred', evidence: { from: 'engine' } })
      opened.fake.faults.clear()
      const [one] = opened.fake.containers
      if (one !== undefined) one.host['PidMode'] = 'host'
      expect(await attested(opened)).toMatchObject({ holds: 'old', by: 'inferred' })
      expect(opened.fake.seen.filter((line) => line.includes('/exec ') || line.endsWith('/exec'))).toHaveLength(1)
    }))

  it('is neither of the two when a third value is there, and unseen when none is', () =>
    inWorld('single', async (opened) => {
      opened.fake.containers.splice(0)
      opened.fake.run('app', ['APP_PASSWORD=third'])
      expect(await attested(opened)).toMatchObject({ holds: 'neither', by: 'process' })
      opened.fake.containers.splice(0)
      opened.fake.run('app', [])
      expect(await attested(opened)).toMatchObject({ holds: 'unseen', by: 'inferred' })
    }))
})

describe('a daemon that is not there', () => {
  it('is refused before anything is done', () =>
    inWorld('single', async ({ open }) => {
      const consumer = open({ socket: '/nowhere/docker.sock' })
      expect(await consumer.instances(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
      expect(await consumer.reload(callWithin(5_000))).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
    }))
})

describe('the configuration of docker', () => {
  it('refuses a restart as a reload and says why (C-06, C-07)', () => {
    for (const reload of ['restart', 'restart --force-recreate']) {
      const read = consumerSchema.safeParse({ ...SHAPE.web, reload })
      expect(read.error?.issues.map(({ message }) => message).join()).toMatch(/`recreate`: a restarted container keeps the environment/)
    }
    expect(consumerSchema.safeParse({ ...SHAPE.web, reload: 'recreate' }).success).toBe(true)
  })

  it('is about a service or a container, not both', () => {
    expect(consumerSchema.safeParse({ ...SHAPE.web, ...SHAPE.single }).success).toBe(false)
    expect(consumerSchema.safeParse({}).success).toBe(false)
    expect(manifest.id).toBe('docker')
  })
})
