import { describe, expect, it } from 'vitest'
import { beginEmergency } from '../../src/emergency/begin.ts'
import { prepareEmergency } from '../../src/emergency/prepare.ts'
import { readEvents } from '../../src/journal/read.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { KeyturnError, Secret } from '../../src/kit/index.ts'
import { request } from '../../src/operations/request.ts'
import { listRotations } from '../../src/state/rotation.ts'
import { type ReferenceTraits } from '../../src/testing/index.ts'
import { BACKENDS } from '../fixture/state.ts'
import { SECRET, setStage } from '../strategies/stage.ts'
import { declare, toTheEnd } from './stage.ts'

const BY_TAG: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: ['off', 'gone'] }
const AT_ONCE = { grace: '1h', quiet: { for: '40ms', every: '20ms' }, undo: '40ms', deadline: '1s' }

describe.each(BACKENDS)('an emergency on $name', ({ fresh }) => {
  it('takes the place of the open rotation in one transaction: when that is not written, the open one is as it was', async () => {
    const stage = await setStage(BY_TAG, { secret: AT_ONCE, state: fresh })
    const open = await stage.open()
    expect(await stage.once()).toMatchObject({ is: 'waiting', why: 'grace' })
    const { engine } = stage
    const prepared = await prepareEmergency(engine, stage.manifest, SECRET, 'forget-first')
    const failing = { ...engine, state: { ...engine.state, commit: () => Promise.reject(new KeyturnError('STATE_FULL')) } }
    const opening = { order: 'forget-first', incident: 'incident-1', decidedAt: engine.now(), reason: 'a test' } as const
    await expect(beginEmergency(failing, prepared, opening)).rejects.toMatchObject({ code: 'STATE_FULL' })
    expect((await listRotations(engine.state.db)).map(({ id, result }) => [id, result])).toEqual([[open, null]])
    expect(await stage.once()).toMatchObject({ is: 'waiting', why: 'grace' })

    const id = await beginEmergency(engine, prepared, opening)
    expect((await listRotations(engine.state.db)).map((row) => [row.id, row.result]).sort()).toEqual([[open, 'superseded'], [id, null]].sort())
    // What was sealed is sealed for the new one, and nowhere else.
    const sealed = await engine.state.db.selectFrom('sealed').select(['rotation', 'name']).execute()
    expect(sealed.filter(({ name }) => name !== 'snapshot').map(({ rotation, name }) => `${rotation === id ? 'emergency' : 'open'} ${name}`).sort()).toEqual(['emergency also:0', 'emergency old'])
  })
})

describe('there is no way back', () => {
  it('abort is refused from the first ending on, and before it nothing has happened (X-11)', async () => {
    const stage = await setStage(BY_TAG, { secret: AT_ONCE })
    await declare(stage)
    await stage.dieAt('forget', 'after-outcome')
    await expect(request(stage.engine, stage.rotation(), 'abort')).rejects.toMatchObject({ code: 'NOT_NOW' })
    await toTheEnd(stage)
    await expect(stage.takeBack()).rejects.toMatchObject({ code: 'NOT_NOW', about: expect.stringContaining('compromised') as unknown })
  })

  it('a mint that is refused pauses it, and does not go back to what is compromised', async () => {
    const stage = await setStage(BY_TAG, { secret: AT_ONCE })
    const old = stage.stored()
    await declare(stage)
    stage.rehearse('mint', 'refuse')
    expect(await stage.on()).toMatchObject({ is: 'person', code: 'RIGHTS_MISSING' })
    expect(stage.server.keys.accepts(old)).toBeUndefined()
    expect(await toTheEnd(stage)).toMatchObject({ is: 'closed', result: 'done' })
  })

  it('two mints without an answer stop it; an emergency in its place makes a new one, and ends what they made by their tags', async () => {
    const stage = await setStage(BY_TAG, { secret: AT_ONCE })
    await declare(stage)
    stage.server.arm('answer-lost', { on: 'mint', times: 2 })
    expect(await stage.on()).toMatchObject({ is: 'person', about: 'two mints got no answer' })
    expect(stage.server.keys.of('atlas').filter(({ state }) => state === 'on').length).toBeGreaterThan(0)
    const first = stage.rotation()
    await declare(stage)
    expect((await stage.progress()).plan.emergency).toMatchObject({ supersedes: first, tags: [first] })
    expect(await toTheEnd(stage)).toMatchObject({ is: 'closed', result: 'done' })
    expect(stage.server.keys.of('atlas').map(({ value }) => value)).toEqual([stage.stored()])
    await stage.events()
  })
})

describe('the branch that keyturn sits on', () => {
  it('is not cut: what a reference of the issuer brings is not ended first, and --mint-first is the way', async () => {
    // A second header of the admin's requests is the very credential that is rotated.
    const stage = await setStage(BY_TAG, { secret: AT_ONCE, issuer: (config) => ({ ...config, auth: { ...(config['auth'] as object), 'X-Account': '${env:ACCOUNT}' } }) })
    const { manifest } = stage
    const resolved = stage.engine.host
    const engine: typeof stage.engine = { ...stage.engine, host: (base) => ({ ...resolved(base), resolve: async (text) => (text.includes('${env:ACCOUNT}') ? new Secret(stage.stored()) : resolved(base).resolve(text)) }) }
    await expect(prepareEmergency(engine, manifest, SECRET, 'forget-first')).rejects.toMatchObject({ code: 'OWN_CREDENTIAL', hint: expect.stringContaining('--mint-first') as unknown })
    expect(await listRotations(engine.state.db)).toEqual([])
    expect(stage.server.keys.accepts(stage.stored())?.state).toBe('on')
    await declare({ ...stage, engine }, 'mint-first')
    expect(await toTheEnd(stage)).toMatchObject({ is: 'closed', result: 'done' })
  })
})

describe('stores that differ', () => {
  it('in the middle of a rotation are no obstacle: what it sealed is known, and both are ended (S2-49)', async () => {
    const stage = await setStage(BY_TAG, {
      secret: { ...AT_ONCE, stores: [{ use: 'dotenv', file: '.env', bind: { TOKEN: '{token}' } }, { use: 'dotenv', file: 'second.env', bind: { TOKEN: '{token}' } }] },
    })
    const { writeFileSync, readFileSync } = await import('node:fs')
    const { join } = await import('node:path')
    writeFileSync(join(stage.manifest.base, 'second.env'), readFileSync(join(stage.manifest.base, '.env')), { mode: 0o600 })
    await stage.open()
    await stage.dieAt('publish:1', 'before-intent')
    const values = stage.server.keys.of('atlas').map(({ value }) => value)
    expect(values).toHaveLength(2)
    await declare(stage)
    expect(await toTheEnd(stage)).toMatchObject({ is: 'closed', result: 'done' })
    for (const value of values) expect(stage.server.keys.accepts(value)).toBeUndefined()
    expect(readFileSync(join(stage.manifest.base, 'second.env'), 'utf8')).toContain(stage.stored())
    const { events } = await readEvents(stage.engine, stage.rotation())
    expect(foldProgress(events).plan.emergency?.inherits).toHaveLength(1)
  })
})
