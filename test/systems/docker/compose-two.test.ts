import { afterAll, beforeAll, expect, it } from 'vitest'
import { callWithin } from '../../../src/testing/call.ts'
import { consumerSuite, valueOf } from '../../../src/testing/consumer.ts'
import { proving } from '../claims.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { composeWorld } from './world.ts'

let daemon: Daemon
beforeAll(async () => {
  daemon = await startDaemon({ plugin: true })
})
afterAll(() => daemon?.stop())

const proven = proving(() => ({ connector: 'docker', as: 'consumer', on: `${daemon.version} with docker compose 5.5.1` }))

consumerSuite(proven, 'docker, compose in Go', () => composeWorld(daemon, ['docker', 'compose']))

proven.describe('a service of compose in Go', () => {
  it('stops at the first container that does not get well; the next one, and other services, are not touched (S1-38)', async () => {
    const world = await composeWorld(daemon, ['docker', 'compose'])
    try {
      const project = world.consumer.title().slice('docker '.length).split('/')[0] ?? ''
      const other = (): Promise<string> => daemon.docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', `${project}-other-1`)
      const [before, beside] = [await world.ids(), await other()]
      await world.publish(world.next)
      world.mark('slow')
      expect(await world.consumer.reload(callWithin(30_000))).toMatchObject({ is: 'unknown', code: 'CONSUMER_UNREADY' })
      expect((await world.ids()).filter((id) => before.includes(id))).toEqual(before.slice(1))
      expect(await world.truth('web-1')).toBe('old')
      expect(await other()).toBe(beside)
    } finally {
      await world.close()
    }
  })

  it('has all of its instances again, and new ones, after a run that was killed when the first was removed', async () => {
    const world = await composeWorld(daemon, ['docker', 'compose'])
    try {
      const before = await world.ids()
      await world.publish(world.next)
      await daemon.docker('rm', '--force', before[0] ?? '')
      expect(await world.again.reload(callWithin(30_000))).toMatchObject({ is: 'done', value: { evidence: { reloaded: 2 } } })
      expect((await world.ids()).filter((id) => before.includes(id))).toEqual([])
      expect([await world.truth('web-1'), await world.truth('web-2')]).toEqual(['new', 'new'])
    } finally {
      await world.close()
    }
  })

  it('keeps its old environment over `restart`, which has no flag to recreate (C-06, C-07)', async () => {
    const world = await composeWorld(daemon, ['docker', 'compose'])
    try {
      const project = world.consumer.title().slice('docker '.length).split('/')[0] ?? ''
      await world.publish(world.next)
      const plain = await daemon.run('docker', ['compose', '-p', project, 'restart', 'web'], world.folder)
      expect(plain.code, plain.err).toBe(0)
      const flagged = await daemon.run('docker', ['compose', '-p', project, 'restart', '--force-recreate', 'web'], world.folder)
      expect(flagged).toMatchObject({ code: 1, err: expect.stringContaining('unknown flag: --force-recreate') })
      for (const instance of valueOf(await world.consumer.instances(callWithin(10_000))).all) {
        expect(valueOf(await world.consumer.attest(instance, world.next, world.old, callWithin(10_000)))).toMatchObject({ holds: 'old', by: 'process' })
      }
    } finally {
      await world.close()
    }
  })
})
