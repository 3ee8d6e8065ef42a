import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../../test/fixture/state.ts'
import type { Answer, ConnectorModule, Notice, Registry } from '../kit/index.ts'
import { done, refused, unknown } from '../kit/index.ts'
import { specimenManifest } from '../../test/fixture/specimen.ts'
import type { Manifest } from '../manifest/model.ts'
import type { State } from '../state/open.ts'
import { deliver } from './deliver.ts'
import { failedNotices, fateOf, forgetNotices, listNotices, NEWS_MS, newestId, pendingNotices, putNotices } from './outbox.ts'

const NOW = Date.UTC(2026, 0, 1)
const noticeOf = (id: string, more: Partial<Notice> = {}): Notice => ({ id, kind: 'rotation-done', severity: 'info', title: id, facts: {}, system: 'atlas', environment: 'staging', secret: 'database', at: NOW, ...more })

/** Receivers that answer as they are told, and the manifest that names them. */
function receivers(names: readonly string[]) {
  const got: string[] = []
  const answers = new Map<string, (notice: Notice) => Promise<Answer<void>> | Answer<void>>()
  const module = { openNotifier: ({ name }: { name: string }) => ({ title: () => name, notify: async (notice: Notice) => {
    got.push(`${name} ${notice.id}`)
    return (await answers.get(name)?.(notice)) ?? done(undefined)
  } }) } as unknown as ConnectorModule
  const registry = { pretend: { manifest: { id: 'pretend', title: '', summary: '', links: [], families: {} }, load: async () => module } } as unknown as Registry
  const place = { file: '', line: 1, column: 1 }
  const manifest: Manifest = { ...specimenManifest().manifest, notifiers: Object.fromEntries(names.map((name) => [name, { use: 'pretend', config: { name }, place }])) }
  return { got, answers, manifest, registry }
}

describe.each(BACKENDS)('the outbox, on $name', ({ fresh }) => {
  const open = async (names: readonly string[] = ['ops']) => {
    const world = { ...receivers(names), state: await fresh(), now: NOW }
    const delivering = () => ({ state: { db: world.state.db, clock: async () => world.now } as unknown as State, registry: world.registry, host: () => ({}) as never, now: () => world.now, interrupt: new AbortController().signal })
    return {
      ...world,
      put: (ids: readonly string[], to = names, now = world.now) => putNotices(world.state.db, ids.map((id) => ({ notice: noticeOf(id), to })), now),
      send: () => deliver(delivering(), world.manifest, world.now + 60_000),
      pass: (ms: number) => { world.now += ms },
      fates: async () => (await listNotices(world.state.db, world.manifest, 99)).map((kept) => `${kept.id} ${kept.notifier} ${fateOf(kept)} ${kept.tries}`).toSorted(),
      db: world.state.db,
      at: () => world.now,
    }
  }

  it('keeps a notice once for each notifier, however often it is put, and sends it once', async () => {
    const box = await open(['ops', 'siem'])
    expect([await box.put(['a', 'b']), await box.put(['a', 'b'])]).toEqual([4, 0])
    expect(await box.send()).toEqual({ sent: 4, failed: 0 })
    expect(await box.send()).toEqual({ sent: 0, failed: 0 })
    expect(await box.put(['a'])).toBe(0)
    expect(box.got.toSorted()).toEqual(['ops a', 'ops b', 'siem a', 'siem b'])
  })

  it('of two workers one sends it, and each notifier gets its own in their order', async () => {
    const box = await open()
    const ids = Array.from({ length: 20 }, (_, at) => `n.${String(at).padStart(6, '0')}`)
    await box.put(ids)
    await Promise.all([box.send(), box.send(), box.send()])
    await box.send()
    expect(box.got).toEqual(ids.map((id) => `ops ${id}`))
  })

  it('tries again what failed, ever later, and leaves its notifier alone until then; the others go on', async () => {
    const box = await open(['ops', 'siem'])
    let down = true
    box.answers.set('ops', () => (down ? refused('UNREACHABLE') : done(undefined)))
    await box.put(['a', 'b'])
    expect(await box.send()).toEqual({ sent: 2, failed: 1 })
    for (const wait of [9_000, 999]) {
      box.pass(wait)
      expect(await box.send()).toEqual({ sent: 0, failed: 0 })
    }
    box.pass(1)
    expect(await box.send()).toEqual({ sent: 0, failed: 1 })
    box.pass(19_999)
    expect(await box.send()).toEqual({ sent: 0, failed: 0 })
    down = false
    box.pass(1)
    expect(await box.send()).toEqual({ sent: 2, failed: 0 })
    expect(box.got.filter((each) => each.startsWith('ops'))).toEqual(['ops a', 'ops a', 'ops a', 'ops b'])
  })

  it('gives up after a day, and says so; and at once what the receiver will never take', async () => {
    const box = await open(['ops', 'siem'])
    box.answers.set('ops', () => unknown('SERVER_ERROR'))
    box.answers.set('siem', ({ id }) => (id === 'a' ? refused('REQUEST_REFUSED') : done(undefined)))
    await box.put(['a', 'b'])
    await box.send()
    expect(await box.fates()).toEqual(['a ops failing 1', 'a siem given-up 1', 'b ops pending 0', 'b siem sent 1'])
    box.pass(NEWS_MS)
    await box.send()
    expect((await failedNotices(box.db, box.manifest, box.at())).map((kept) => [kept.id, kept.notifier, kept.code, fateOf(kept)])).toEqual([['a', 'ops', 'SERVER_ERROR', 'given-up'], ['a', 'siem', 'REQUEST_REFUSED', 'given-up']])
  })

  it('after a worker was killed while it sent one, somebody else sends it again with the same id, half a minute later', async () => {
    const box = await open()
    let killed: (() => void) | undefined
    const begun = new Promise<void>((resolve) => box.answers.set('ops', () => {
      resolve()
      return new Promise((never) => { killed = () => never(done(undefined)) })
    }))
    await box.put(['a'])
    const first = box.send()
    await begun
    box.answers.delete('ops')
    box.pass(29_000)
    expect(await box.send()).toEqual({ sent: 0, failed: 0 })
    box.pass(1_000)
    expect(await box.send()).toEqual({ sent: 1, failed: 0 })
    killed?.()
    // It was only slow, and comes back: then it marks what is marked already.
    await first
    expect(box.got).toEqual(['ops a', 'ops a'])
    expect(await box.fates()).toEqual(['a ops sent 2'])
  })

  it('whatever a connector throws, or when it never comes back, is a failure of that notice alone', async () => {
    const box = await open()
    box.answers.set('ops', () => { throw new TypeError('the value is hunter2') })
    await box.put(['a'])
    expect(await box.send()).toEqual({ sent: 0, failed: 1 })
    expect(JSON.stringify(await listNotices(box.db, box.manifest, 9))).not.toContain('hunter2')
    expect(await failedNotices(box.db, box.manifest, box.at())).toMatchObject([{ code: 'INTERNAL' }])
  })

  it('gives up what is for a notifier that the manifest no longer has', async () => {
    const box = await open()
    await box.put(['a'], ['gone'])
    await box.send()
    expect(await box.fates()).toEqual(['a gone given-up 1'])
  })

  it('keeps the notices of each manifest apart, and forgets what is old', async () => {
    const box = await open()
    await putNotices(box.db, [{ notice: noticeOf('x', { environment: 'production' }), to: ['ops'] }], NOW)
    await box.put(['a'])
    await box.send()
    expect(box.got).toEqual(['ops a'])
    await forgetNotices(box.db, NOW + 59 * 86_400_000)
    expect(await box.fates()).toHaveLength(1)
    await forgetNotices(box.db, NOW + 61 * 86_400_000)
    expect(await box.fates()).toEqual([])
    expect(await pendingNotices(box.db, { system: 'atlas', environment: 'production' })).toHaveLength(1)
  })

  it('finds the newest id that begins like this', async () => {
    const box = await open()
    await box.put(['a%20b.ahead.5'], ['ops'], NOW)
    await box.put(['a%20b.ahead.10', 'axxxb.ahead.99'], ['ops'], NOW + 1)
    expect([await newestId(box.db, 'a%20b.ahead.'), await newestId(box.db, 'c.ahead.')]).toEqual(['a%20b.ahead.10', undefined])
  })
})
