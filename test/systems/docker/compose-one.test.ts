import { afterAll, beforeAll, expect, it } from 'vitest'
import { callWithin } from '../../../src/testing/call.ts'
import { valueOf } from '../../../src/testing/consumer.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { composeWorld, type Containers } from './world.ts'

let daemon: Daemon
beforeAll(async () => {
  daemon = await startDaemon({ plugin: true })
})
afterAll(() => daemon?.stop())

async function inWorld(body: (world: Containers, project: string) => Promise<void>): Promise<void> {
  const world = await composeWorld(daemon, ['docker-compose'], 'found')
  try {
    await body(world, world.consumer.title().slice('docker '.length).split('/')[0] ?? '')
  } finally {
    await world.close()
  }
}

it('recreates what docker-compose 1.29 made with docker-compose 1.29, where `docker compose` is there too; other services stay', () =>
  inWorld(async (world, project) => {
    const other = (): Promise<string> => daemon.docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', `${project}_other_1`)
    const [before, beside] = [await world.ids(), await other()]
    expect(valueOf(await world.consumer.preflight(callWithin(30_000))).notices).toEqual([])
    await world.publish(world.next)
    expect(await world.consumer.reload(callWithin(60_000))).toMatchObject({ is: 'done', value: { evidence: { reloaded: 2 } } })
    const after = await world.ids()
    expect(after.filter((id) => before.includes(id))).toEqual([])
    for (const id of after) expect(await daemon.docker('inspect', '--format', '{{index .Config.Labels "com.docker.compose.version"}}', id)).toMatch(/^1\./)
    const { all } = valueOf(await world.consumer.instances(callWithin(10_000)))
    expect(all).toMatchObject([{ name: 'web-1', ready: true }, { name: 'web-2', ready: true }])
    for (const instance of all) {
      expect(valueOf(await world.consumer.attest(instance, world.next, world.old, callWithin(10_000)))).toMatchObject({ holds: 'new', by: 'process' })
    }
    expect(await other()).toBe(beside)
  }))

it('is not fooled by `restart --force-recreate`, which docker-compose 1.29 does not know and does not refuse either (C-06, C-07)', () =>
  inWorld(async (world, project) => {
    await world.publish(world.next)
    for (const words of [['restart', 'web'], ['restart', '--force-recreate', 'web']]) {
      const ran = await daemon.run('docker-compose', ['-p', project, ...words], world.folder)
      expect(ran.code, ran.err).toBe(0)
    }
    for (const instance of valueOf(await world.consumer.instances(callWithin(10_000))).all) {
      expect(valueOf(await world.consumer.attest(instance, world.next, world.old, callWithin(10_000)))).toMatchObject({ holds: 'old', by: 'process' })
    }
  }))
