import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyState } from '../../src/copying/copy.ts'
import { recall } from '../../src/doctor/memory.ts'
import { readEvents } from '../../src/journal/read.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { wipeKept } from '../../src/operations/retention.ts'
import { readSnapshotNote } from '../../src/operations/snapshot-sides.ts'
import { listKept, listSnapshots, openSnapshot } from '../../src/operations/snapshots.ts'
import { verifyState } from '../../src/proof/audit.ts'
import { readSealed } from '../../src/state/ledger.ts'
import { readNotes } from '../../src/state/note.ts'
import { openState } from '../../src/state/open.ts'
import { findRotation } from '../../src/state/rotation.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { BACKENDS, tempFolder } from '../fixture/state.ts'
import { KEY } from './service.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'

const DAY = 86_400_000
const IN_PLACE: ReferenceTraits = { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }

async function rotated(options: StageOptions = {}, traits = IN_PLACE): Promise<{ readonly stage: Stage; readonly first: string; readonly rotation: string }> {
  const stage = await setStage(traits, options)
  const first = stage.stored()
  const rotation = await stage.open()
  expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
  return { stage, first, rotation }
}

async function opened({ engine }: Stage, rotation: string) {
  const { plan } = foldProgress((await readEvents(engine, rotation)).events)
  return openSnapshot(engine, await findRotation(engine.state.db, rotation), plan)
}

describe('the snapshot of a rotation', () => {
  it('has exactly the keys that are changed, before and after, sealed and named by its rotation (S1-20, S1-21, C-13)', async () => {
    const { stage, first, rotation } = await rotated()
    const [store, ...others] = (await opened(stage, rotation)) ?? []
    expect(others).toEqual([])
    expect([store?.before, store?.after].map((entries) => Object.entries(entries ?? {}).map(([key, value]) => [key, value.reveal()]))).toEqual([[[KEY, first]], [[KEY, stage.stored()]]])
    const sealed = await readSealed(stage.engine.state.db, rotation, 'snapshot')
    for (const value of [first, stage.stored()]) expect(Buffer.from(sealed?.ciphertext ?? []).includes(value)).toBe(false)
    // Moved to another rotation it does not open.
    await stage.open()
    await stage.on()
    await stage.engine.state.db.updateTable('sealed').set({ ...sealed }).where('rotation', '=', stage.rotation()).where('name', '=', 'snapshot').execute()
    await expect(opened(stage, stage.rotation())).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
  })

  it('is there before anything is changed, however early the run dies', async () => {
    const stage = await setStage(IN_PLACE)
    const first = stage.stored()
    await stage.open()
    await stage.dieAt('mint', 'after-effect')
    expect((await opened(stage, stage.rotation()))?.[0]?.before[KEY]?.reveal()).toBe(first)
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    const { entries } = await readNotes(stage.engine.state.db)
    expect(entries.map(({ type }) => type), 'it is taken once').toEqual(['snapshot-kept'])
  })

  it('is noted without a value: stores, keys, and where each credential stands', async () => {
    const { stage, first, rotation } = await rotated()
    const row = await findRotation(stage.engine.state.db, rotation)
    const note = await readSnapshotNote(stage.engine.state.db, row)
    expect(note).toMatchObject({ stores: [{ keys: [KEY] }], before: { state: 'gone' }, after: { state: 'presented' } })
    expect(note?.before.fingerprint).not.toBe(note?.after.fingerprint)
    const { entries } = await readNotes(stage.engine.state.db)
    expect(JSON.stringify(entries)).not.toMatch(new RegExp(`${first}|${stage.stored()}`))
  })

  it('goes along when the state is copied', async () => {
    const { stage, rotation } = await rotated()
    const { state } = stage.engine
    const place = join(tempFolder(), 'copy')
    await copyState(state.folder, place, () => false)
    const copy = await openState(place, undefined)
    expect(await listSnapshots(copy.db, stage.manifest)).toMatchObject([{ rotation, result: 'done' }])
    expect(await readSealed(copy.db, rotation, 'snapshot')).toEqual(await readSealed(state.db, rotation, 'snapshot'))
    await copy.close()
  })
})

describe.each(BACKENDS)('is kept for thirty days, in $name (S1-69, R-18, C-13)', ({ kind, fresh }) => {
  it('not a day less, and gone after that, both noted; then it cannot be taken back any more', async () => {
    const { stage, rotation } = await rotated({ state: fresh })
    const { engine, manifest, clock } = stage
    const [kept] = await listSnapshots(engine.state.db, manifest)
    const { closed_at: closedAt } = await findRotation(engine.state.db, rotation)
    expect(kept?.until).toBe((closedAt ?? 0) + 30 * DAY)
    clock.now = (kept?.until ?? 0) - 1
    expect(await wipeKept(engine, manifest)).toEqual([])
    const taken = await stage.takeBack()
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back' })
    expect(taken).not.toBe(rotation)

    expect((await recall(engine.state, manifest, clock.now)).found).toMatchObject([{ verdict: 'ok', subject: 'snapshots', says: expect.stringMatching(/^\d values from before are held, the last one until/) }])
    expect((await recall(engine.state, manifest, clock.now + 2 * DAY)).found, 'nobody runs keyturn').toMatchObject([{ verdict: 'warning', subject: 'snapshots', hint: expect.stringContaining('keyturn run') }])
    clock.now = kept?.until ?? 0
    const { ciphertext = new Uint8Array() } = (await readSealed(engine.state.db, rotation, 'snapshot')) ?? {}
    expect(await wipeKept(engine, manifest)).toMatchObject([{ rotation, what: 'snapshot' }])
    expect(await wipeKept(engine, manifest), 'once').toEqual([])
    const { entries } = await readNotes(engine.state.db)
    expect(entries.map(({ type, at, body }) => [type, at, body['rotation']])).toMatchObject([['snapshot-kept', expect.any(Number), rotation], ['value-wiped', kept?.until, rotation]])
    expect((await verifyState(engine.state)).problems).toEqual([])
    if (kind === 'sqlite') {
      const left = ['keyturn.db', 'keyturn.db-wal'].map((name) => join(engine.state.folder, name)).filter((file) => existsSync(file)).map((file) => readFileSync(file))
      expect(left.some((bytes) => bytes.includes(Buffer.from(ciphertext).subarray(200, 264))), 'its bytes are still on disk').toBe(false)
    }
    await expect(stage.takeBack(rotation)).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringMatching(/held nowhere any more/) })
  })

  it('so is the value of a credential that was replaced, and never the one in use', async () => {
    const { stage, rotation: one } = await rotated({ state: fresh, secret: { snapshots: '10d' } })
    const { engine, manifest, clock } = stage
    clock.now += 40 * DAY
    await wipeKept(engine, manifest)
    expect(await readSealed(engine.state.db, one, 'new'), 'nothing has replaced it').toBeDefined()
    const two = await stage.open()
    await stage.on()
    expect(await listKept(engine.state.db, manifest)).toMatchObject([{ rotation: two, what: 'snapshot' }, { rotation: one, what: 'replaced' }])
    clock.now += 10 * DAY
    expect((await wipeKept(engine, manifest)).map(({ rotation, what }) => [rotation, what])).toEqual([[two, 'snapshot'], [one, 'replaced']])
    expect(await readSealed(engine.state.db, one, 'new')).toBeUndefined()
    expect(await readSealed(engine.state.db, two, 'new')).toBeDefined()
  })
})
