import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEnvFile } from '../../../src/connectors/docker/env-file.ts'
import { openCheck } from '../../../src/connectors/log/index.ts'
import { checkSchema } from '../../../src/connectors/log/manifest.ts'
import type { Attestation } from '../../../src/kit/consumer.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { consumerSuite, valueOf } from '../../../src/testing/consumer.ts'
import { until } from '../../../src/testing/until.ts'
import { proving } from '../claims.ts'
import { type Daemon, IMAGE, startDaemon } from './daemon.ts'
import { type Containers, hostIn, singleWorld } from './world.ts'

let daemon: Daemon
beforeAll(async () => {
  daemon = await startDaemon({ plugin: false })
})
afterAll(() => daemon?.stop())

const proven = proving(() => ({ connector: 'docker', as: 'consumer', on: daemon.version }))

consumerSuite(proven, 'docker, a container', () => singleWorld(daemon))

async function inWorld(body: (world: Containers, name: string) => Promise<void>): Promise<void> {
  const world = await singleWorld(daemon)
  try {
    const [first] = valueOf(await world.consumer.instances(callWithin(10_000))).all
    await body(world, first?.name ?? '')
  } finally {
    await world.close()
  }
}

async function attested({ consumer, next, old }: Containers): Promise<Attestation> {
  const [first] = valueOf(await consumer.instances(callWithin(10_000))).all
  if (first === undefined) throw new Error('none listed')
  return valueOf(await consumer.attest(first, next, old, callWithin(10_000)))
}

proven.describe('a container on a real daemon', () => {
  it('keeps its old environment over `docker restart`, and says so (C-06)', () =>
    inWorld(async (world, name) => {
      await world.publish(world.next)
      await daemon.docker('restart', '--time', '2', name)
      await until(async () => (await attested(world)).holds === 'old')
      valueOf(await world.consumer.reload(callWithin(30_000)))
      expect(await attested(world)).toMatchObject({ holds: 'new', by: 'process', evidence: { from: 'exec' } })
    }))

  it('comes back with its own variables, labels, policies and the volume that nobody named', () =>
    inWorld(async (world, name) => {
      const facts = '{{json .HostConfig.RestartPolicy}} {{json .Config.Labels}} {{json .Config.Cmd}} {{json .Config.Healthcheck}} {{json .HostConfig.NetworkMode}} {{.Config.Image}} {{(index .Mounts 0).Destination}}'
      const before = await daemon.docker('inspect', '--format', facts, name)
      await daemon.docker('exec', name, 'touch', '/data/mine')
      const [id] = await world.ids()
      await world.publish(world.next)
      for (const _ of [1, 2]) valueOf(await world.consumer.reload(callWithin(30_000)))
      expect(await world.ids()).not.toContain(id)
      await daemon.docker('exec', name, 'test', '-e', '/data/mine')
      expect(await daemon.docker('exec', name, 'sh', '-c', 'echo "$KEPT"')).toBe('as it is')
      // The order of mounts is by chance, the number of them is not.
      expect((await daemon.docker('inspect', '--format', facts, name)).split(' /')[0]).toBe(before.split(' /')[0])
      expect(await daemon.docker('inspect', '--format', '{{len .Mounts}}', name)).toBe('2')
      expect((await daemon.docker('ps', '--all', '--format', '{{.Names}}')).split('\n')).toEqual([name])
    }))

  it('serves again with the old value when the next one does not start with the new one', () =>
    inWorld(async (world, name) => {
      const before = await world.ids()
      await world.publish(world.next)
      appendFileSync(`${world.folder}/app.env`, 'APP_BROKEN=1\n')
      expect(await world.consumer.reload(callWithin(30_000))).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY', evidence: { oldStarted: true } })
      await until(async () => valueOf(await world.consumer.instances(callWithin(10_000))).all.every(({ ready }) => ready))
      expect(await world.ids()).toEqual(before)
      expect(await world.truth(name)).toBe('old')
    }))

  it('is settled after a run that was killed between the two names', () =>
    inWorld(async (world, name) => {
      await daemon.docker('stop', name)
      await daemon.docker('rename', name, `${name}-keyturn-old`)
      await world.publish(world.next)
      valueOf(await world.consumer.reload(callWithin(30_000)))
      expect(await attested(world)).toMatchObject({ holds: 'new' })
      expect((await daemon.docker('ps', '--all', '--format', '{{.Names}}')).split('\n')).toEqual([name])
    }))

  it('is reloaded after a daemon that gave no answer for seconds: the deadline leaves it unknown, the next run settles it (X-10)', () =>
    inWorld(async (world, name) => {
      await world.publish(world.next)
      daemon.signal('SIGSTOP')
      try {
        const call = callWithin(2_000)
        expect(await world.consumer.reload(call)).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
        expect(Date.now()).toBeLessThan(call.deadline + 1_000)
      } finally {
        daemon.signal('SIGCONT')
      }
      valueOf(await world.consumer.reload(callWithin(30_000)))
      expect(await world.truth(name)).toBe('new')
    }))

  it('is proven in /proc of the machine where it has no shell, and not at all by another one of the same name', () =>
    inWorld(async (world, name) => {
      const [listed] = valueOf(await world.consumer.instances(callWithin(10_000))).all
      await daemon.docker('exec', name, 'rm', '/bin/sh')
      expect(await attested(world)).toMatchObject({ holds: 'old', by: 'process', evidence: { from: 'host' } })
      await daemon.docker('restart', '--time', '2', name).catch(() => undefined)
      if (listed === undefined) throw new Error('none listed')
      expect(valueOf(await world.consumer.attest(listed, world.next, world.old, callWithin(10_000)))).toMatchObject({ holds: 'unseen' })
    }))

  it.each([
    ['comments, spaces, quotes and signs', ['# no', '  A=1', 'B="q" # x ', "C='$HOME'", 'D=', 'E=a=b', 'F=\\n', '', '\u00e9=\u00e9']],
    ['line ends of other systems', ['A=1\r', '\r', 'B= 2 \r']],
    ['the last of two', ['A=1', 'A=2']],
    ['a key with a space', ['export A=1']],
    ['no key', ['=1']],
  ])('has the entries of its env file as `docker run` reads them: %s', async (_, lines) => {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-env-'))
    try {
      const file = join(folder, 'app.env')
      writeFileSync(file, lines.join('\n'))
      const read = readEnvFile(file, 'it')
      const made = await daemon.docker('create', '--env-file', file, IMAGE, 'sh').catch(() => undefined)
      if (made === undefined) return expect(read).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })
      const env = JSON.parse(await daemon.docker('inspect', '--format', '{{json .Config.Env}}', made)) as readonly string[]
      await daemon.docker('rm', made)
      // Docker hands on both of two lines; what starts the process sets them one after the other.
      const theirs = new Map(env.map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]))
      theirs.delete('PATH')
      return expect(new Map([...valueOf(read)].map(([key, value]) => [key, value.reveal()]))).toEqual(theirs)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  describe('its log', () => {
    it('is a source of the connector `log`: lines since the change, of the new container too (S1-29, S1-55)', () =>
      inWorld(async (world, name) => {
        const check = openCheck(checkSchema.parse({
          sources: [{ run: ['docker', 'logs', '--since', '{since}', name], env: { DOCKER_HOST: daemon.env['DOCKER_HOST'] } }],
          expect: { begun: { lines: '^INFO begins$', atLeast: 1 } },
        }), hostIn(world.folder))
        const before = valueOf(await check.run(callWithin(10_000))).evidence
        // A change that is still to come has no line behind it.
        const quiet = await check.run(callWithin(10_000), undefined, { at: Date.now() + 1_000, before })
        expect(valueOf(quiet).verdict).not.toBe('pass')
        const since = { at: Date.now(), before }
        await world.publish(world.next)
        valueOf(await world.consumer.reload(callWithin(30_000)))
        expect(valueOf(await check.run(callWithin(10_000), undefined, since)).verdict).toBe('pass')
      }))
  })
})
