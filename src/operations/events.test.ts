import { describe, expect, it } from 'vitest'
import { play } from '../../test/review/play.ts'
import { drive } from '../engine/drive.ts'
import { openRotation, planSecret } from '../engine/rotate.ts'
import { agendaOf } from '../schedule/agenda.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import { findRotation } from '../state/rotation.ts'
import { listDue } from './due.ts'
import { markSecret, readMarks } from './events.ts'
import { readPast } from './past.ts'
import { takeBack } from './rollback.ts'

const DAY = 86_400_000

/** A world in which one rotation is over, with a secret that is due by these. */
async function rotated(part: Partial<SecretSpec> = {}, strategy: 'alternate' | 'in-place' = 'in-place') {
  const world = await play({ strategy })
  await world.on()
  const { database } = world.manifest.secrets
  if (database === undefined) throw new Error('no secret')
  const { every: _, ...spec } = database
  const manifest: Manifest = { ...world.manifest, schedule: { zone: 'UTC', windows: [], freezes: [], jitter: 0, serial: false, retry: DAY }, secrets: { database: { ...spec, ...part } } }
  const due = async () => (await listDue(manifest, world.engine.state.db, world.engine.now(), 7 * DAY))[0]
  const agenda = async () => agendaOf(manifest.schedule ?? { zone: 'UTC', windows: [], freezes: [], jitter: 0, serial: false, retry: DAY }, Object.values(manifest.secrets), await readPast(manifest, world.engine.state.db, world.engine.now()), world.engine.now())
  const mark = (marking: Parameters<typeof markSecret>[3]) => markSecret(world.engine, manifest, 'database', marking)
  const again = async () => {
    const { engine, outside } = world
    outside.now += DAY
    const { identity } = engine.state
    const rotation = await openRotation(engine, await planSecret(engine, manifest, 'database', { look: true, ...(identity === undefined ? {} : { identity }) }), { reason: 'a test' })
    for (let stopped = await drive(engine, rotation); stopped.is === 'waiting'; stopped = await drive(engine, rotation)) outside.now = Math.max(outside.now, stopped.again)
    return rotation
  }
  return { ...world, manifest, due, agenda, mark, again }
}

describe('what people mark (R-04, R-05, S2-65, S2-71, S2-79)', () => {
  it('a change at the provider: it is due from then on, the schedule begins it, and not once more after it', async () => {
    const { due, agenda, mark, again, engine } = await rotated({ on: ['provider-change'] })
    expect(await due()).toMatchObject({ state: 'manual' })
    expect(await agenda()).toEqual([])
    const { at } = await mark({ event: 'provider-change', reason: 'a new tenant' })
    expect(await due()).toMatchObject({ state: 'overdue', cause: 'provider-change', at })
    expect(await agenda()).toMatchObject([{ secret: 'database', cause: 'provider-change', begins: engine.now() }])
    await again()
    expect(await due()).toMatchObject({ state: 'manual' })
    expect(await agenda()).toEqual([])
  })

  it('the date on which the credential in use expires: due two weeks before, and no longer after the next one', async () => {
    const { due, mark, again, engine } = await rotated({ on: ['expiry'] })
    const expiresAt = engine.now() + 100 * DAY
    await mark({ event: 'expiry', expiresAt, reason: 'the console says so' })
    expect(await due()).toMatchObject({ state: 'fine', cause: 'expiry', at: expiresAt - 14 * DAY, expires: expiresAt })
    await again()
    expect((await due())?.expires).toBeUndefined()
  })

  it('that it leaked: most pressing of all, and begun by itself only where the manifest says that', async () => {
    const { due, agenda, mark } = await rotated()
    const { at, fingerprint } = await mark({ event: 'compromise', reason: 'it stands in a public log' })
    expect(fingerprint).toMatch(/^kf:/)
    expect(await due()).toMatchObject({ state: 'compromised', compromised: at })
    expect(await agenda()).toEqual([])
    const listed = await rotated({ on: ['compromise'] })
    await listed.mark({ event: 'compromise', reason: 'the same' })
    expect(await listed.agenda()).toMatchObject([{ cause: 'compromise', begins: listed.engine.now() }])
  })

  it('that it leaked while a rotation of it was on its way: it is over with that one', async () => {
    const { due, mark, engine, manifest, outside } = await rotated()
    const { identity } = engine.state
    const rotation = await openRotation(engine, await planSecret(engine, manifest, 'database', { look: true, ...(identity === undefined ? {} : { identity }) }), { reason: 'a test' })
    outside.now += 1_000
    await mark({ event: 'compromise', reason: 'a laptop' })
    expect(await due()).toMatchObject({ state: 'compromised', open: rotation })
    for (let stopped = await drive(engine, rotation); stopped.is === 'waiting'; stopped = await drive(engine, rotation)) outside.now = Math.max(outside.now, stopped.again)
    expect(await due()).toMatchObject({ state: 'manual' })
  })

  it('and what leaked is not taken back to (C-13)', async () => {
    const { mark, again, engine, manifest } = await rotated()
    await mark({ event: 'compromise', reason: 'it stands in a public log' })
    const newest = await again()
    await expect(takeBack(engine, manifest, await findRotation(engine.state.db, newest))).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringMatching(/marked as compromised/) })
  })

  it('is noted with who says it and why, and refused where nothing would come of it', async () => {
    const { mark, engine, manifest } = await rotated({ on: ['expiry'] })
    await expect(mark({ event: 'provider-change', reason: 'x' })).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('under `on`') })
    await expect(mark({ event: 'expiry', reason: 'x' })).rejects.toMatchObject({ code: 'USAGE', about: 'an expiry needs its date' })
    expect(await readMarks(engine.state.db, manifest)).toEqual([])
    await mark({ event: 'compromise', reason: 'a laptop' })
    expect(await readMarks(engine.state.db, manifest)).toMatchObject([{ secret: 'database', event: 'compromise', by: 'somebody', reason: 'a laptop' }])
    expect(await readMarks(engine.state.db, { ...manifest, environment: 'development' })).toEqual([])
  })
})

describe('what the provider says of an expiry', () => {
  it('stands in the journal of the rotation, and makes it due', async () => {
    const world = await rotated({ on: ['expiry'] })
    const expiresAt = world.engine.now() + 50 * DAY
    world.outside.expiresAt = expiresAt
    await world.again()
    expect(await world.due()).toMatchObject({ cause: 'expiry', expires: expiresAt })
  })
})
