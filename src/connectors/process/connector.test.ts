import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type ConsumerWorld, consumerSuite, valueOf } from '../../testing/consumer.ts'
import { prepareServices, type Services } from '../../testing/services.ts'
import { openConsumer } from './index.ts'
import manifest, { type ConsumerConfig, consumerSchema } from './manifest.ts'

type Reload = ConsumerConfig['reload']

function hostOf({ folder }: Services): Host {
  return { base: folder, now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
}

function configFor(services: Services, reload: Reload, readyWithin = '20s'): ConsumerConfig {
  const instances = services.names.map((name) => ({ name, pidFile: `${name}.pid`, ready: `${services.url(name)}/readyz` }))
  return consumerSchema.parse({ instances, reload, readyWithin })
}

async function world(how: 'signal' | 'restart'): Promise<ConsumerWorld> {
  const services = await prepareServices('web-1', 'web-2')
  services.publish(services.old)
  const reload: Reload = how === 'signal' ? { signal: 'SIGHUP' } : { restart: [services.restart, '{name}'] }
  const config = configFor(services, reload)
  const consumer = openConsumer(config, hostOf(services))
  if (how === 'signal') await Promise.all(services.names.map((name) => services.start(name)))
  else valueOf(await consumer.reload(callWithin(20_000)))
  return {
    consumer,
    again: openConsumer(config, hostOf(services)),
    next: services.next,
    old: services.old,
    publish: services.publish,
    truth: services.truth,
    break: async (fault) => {
      if (fault === 'gone') await services.end('web-2')
      else if (how === 'restart') services.mark(fault === 'slow' ? 'slow' : 'failing')
      else services.mark(fault === 'slow' ? 'web-1.unready' : 'web-1.mortal')
    },
    close: services.close,
  }
}

describe.runIf(process.platform === 'linux')('process', () => {
  consumerSuite(proving({ connector: 'process', as: 'consumer', on: 'real processes' }), 'process by signal', () => world('signal'))
  consumerSuite(proving({ connector: 'process', as: 'consumer', on: 'real processes' }), 'process by restart', () => world('restart'))

  const inServices = async (body: (services: Services) => Promise<void>): Promise<void> => {
    const services = await prepareServices('web-1', 'web-2')
    try {
      services.publish(services.old)
      await Promise.all(services.names.map((one) => services.start(one)))
      await body(services)
    } finally {
      await services.close()
    }
  }

  it('stops at the first instance that does not become ready; the next is not touched', () =>
    inServices(async (services) => {
      services.mark('web-1.unready')
      services.publish(services.next)
      const consumer = openConsumer(configFor(services, { signal: 'SIGHUP' }, '300ms'), hostOf(services))
      expect(await consumer.reload(callWithin(10_000))).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: 'web-1' })
      expect(await services.truth('web-2')).toBe('old')
    }))

  it('does not take the process that was there before for restarted', () =>
    inServices(async (services) => {
      const consumer = openConsumer(configFor(services, { restart: ['true'] }, '300ms'), hostOf(services))
      const answer = await consumer.reload(callWithin(10_000))
      expect(answer).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: 'web-1' })
    }))

  it('answers unknown when the process died of the signal', () =>
    inServices(async (services) => {
      services.mark('web-1.mortal')
      const consumer = openConsumer(configFor(services, { signal: 'SIGHUP' }, '300ms'), hostOf(services))
      expect(await consumer.reload(callWithin(10_000))).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', about: 'web-1' })
    }))

  it('signals nobody when an instance is missing', () =>
    inServices(async (services) => {
      services.publish(services.next)
      await services.end('web-2')
      const consumer = openConsumer(configFor(services, { signal: 'SIGHUP' }), hostOf(services))
      const missing = { is: 'refused', code: 'CONSUMER_MISSING', about: 'web-2' }
      expect(await consumer.preflight(callWithin(10_000))).toMatchObject(missing)
      expect(await consumer.reload(callWithin(10_000))).toMatchObject(missing)
      expect(await services.truth('web-1')).toBe('old')
    }))

  it('signals the others when a person answers for the one that is missing, and does not bring it back', () =>
    inServices(async (services) => {
      services.publish(services.next)
      await services.end('web-2')
      const consumer = openConsumer(configFor(services, { signal: 'SIGHUP' }), hostOf(services))
      expect(await consumer.reload(callWithin(10_000), 'rolling', ['web-2'])).toMatchObject({ is: 'done', value: { evidence: { reloaded: 1 } } })
      expect(await services.truth('web-1')).toBe('new')
      const restarting = openConsumer(configFor(services, { restart: [services.restart, '{name}'] }), hostOf(services))
      expect(await restarting.reload(callWithin(20_000), 'rolling', ['web-2'])).toMatchObject({ is: 'done', value: { evidence: { reloaded: 1 } } })
      expect(valueOf(await restarting.instances(callWithin(10_000))).all.map(({ ready }) => ready)).toEqual([true, false])
    }))

  it('restarts even when a process is missing, and lists a new id for it', () =>
    inServices(async (services) => {
      const consumer = openConsumer(configFor(services, { restart: [services.restart, '{name}'] }), hostOf(services))
      const before = valueOf(await consumer.instances(callWithin(10_000))).all
      await services.end('web-2')
      valueOf(await consumer.reload(callWithin(20_000)))
      const after = valueOf(await consumer.instances(callWithin(10_000))).all
      expect(after.map(({ name, ready }) => [name, ready])).toEqual([['web-1', true], ['web-2', true]])
      for (const { id } of after) expect(before.map((one) => one.id)).not.toContain(id)
      expect(after.every(({ startedAt = 0 }) => Math.abs(Date.now() - startedAt) < 60_000)).toBe(true)
    }))

  it('sees no value in the environment of a process that reads a file, and says so', () =>
    inServices(async (services) => {
      const consumer = openConsumer(configFor(services, { restart: [services.restart, '{name}'] }), hostOf(services))
      const [first] = valueOf(await consumer.instances(callWithin(10_000))).all
      if (first === undefined) throw new Error('none listed')
      const attestation = valueOf(await consumer.attest(first, services.next, services.old, callWithin(10_000)))
      expect(attestation).toMatchObject({ holds: 'unseen', by: 'inferred' })
    }))

  it('attests neither when the environment holds a third value', () =>
    inServices(async (services) => {
      const consumer = openConsumer(configFor(services, { restart: [services.restart, '{name}'] }), hostOf(services))
      const third = { ...services.old, entries: { APP_PASSWORD: new Secret('another') } }
      services.publish(third)
      valueOf(await consumer.reload(callWithin(20_000)))
      const [first] = valueOf(await consumer.instances(callWithin(10_000))).all
      if (first === undefined) throw new Error('none listed')
      const attestation = valueOf(await consumer.attest(first, services.next, services.old, callWithin(10_000)))
      expect(attestation).toMatchObject({ holds: 'neither', by: 'process' })
    }))

  it('attests nothing for a process that was replaced since it was listed', () =>
    inServices(async (services) => {
      const consumer = openConsumer(configFor(services, { restart: [services.restart, '{name}'] }), hostOf(services))
      const [first] = valueOf(await consumer.instances(callWithin(10_000))).all
      services.publish(services.next)
      valueOf(await consumer.reload(callWithin(20_000)))
      if (first === undefined) throw new Error('none listed')
      expect(valueOf(await consumer.attest(first, services.next, services.old, callWithin(10_000))).holds).toBe('unseen')
    }))
})

describe('the configuration of process', () => {
  const parse = (config: object): boolean =>
    consumerSchema.safeParse({ instances: [{ name: 'a', pidFile: 'a.pid' }], reload: { signal: 'SIGHUP' }, ...config }).success

  it('refuses references in the restart command, which everybody can see (C-01)', () => {
    expect(parse({ reload: { restart: ['restart', '{name}'] } })).toBe(true)
    expect(parse({ reload: { restart: ['restart', '--token=${env:TOKEN}'] } })).toBe(false)
  })

  it('refuses two instances with one name, and signals that end a process', () => {
    expect(parse({ instances: [{ name: 'a', pidFile: 'a' }, { name: 'a', pidFile: 'b' }] })).toBe(false)
    expect(parse({ reload: { signal: 'SIGKILL' } })).toBe(false)
  })

  it('names the same consumer for two ways to write a path, and has the name of its folder', () => {
    const host: Host = { base: '/nowhere/x', now: () => 0, resolve: async (text) => new Secret(text), conceal: () => undefined }
    const open = (pidFile: string): string =>
      openConsumer(consumerSchema.parse({ instances: [{ name: 'a', pidFile }], reload: { signal: 'SIGHUP' } }), host).identity()
    expect(open('../x/a.pid')).toBe(open('/nowhere/x/a.pid'))
    expect(manifest.id).toBe('process')
  })
})
