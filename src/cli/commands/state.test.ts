import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptSession } from '../../../test/fixture/session.ts'
import { freshDatabase, freshState, openOne, tempFolder } from '../../../test/fixture/state.ts'
import { play } from '../../../test/review/play.ts'
import { drive } from '../../engine/drive.ts'
import { readEvents } from '../../journal/read.ts'
import { openState, type State } from '../../state/open.ts'
import { copyState } from '../../copying/copy.ts'
import { run as history } from './history.ts'
import { run } from './state.ts'

const manifestText = (state: string): string => `version: 1
system: atlas
environment: staging
state: ${state}
secrets:
  session:
    issuer: { use: random, format: hex, name: session }
    stores: [{ use: dotenv, file: .env, bind: { SESSION_SECRET: "{value}" } }]
`

/** A manifest with a state in a folder, and a place in PostgreSQL for it. */
async function setting(): Promise<{ readonly manifest: string; readonly env: NodeJS.ProcessEnv; readonly state: State; readonly password: string; write(state: string): void }> {
  const root = tempFolder()
  writeFileSync(join(root, '.env'), '')
  const manifest = join(root, 'keyturn.yaml')
  const write = (state: string): void => writeFileSync(manifest, manifestText(state))
  write('state')
  const state = await freshState(root)
  await openOne(state, 'one')
  const { url } = await freshDatabase(root)
  const env = { STATE_URL: url.reveal(), KEYTURN_IDENTITY: state.identityFile, XDG_STATE_HOME: join(root, 'host') }
  return { manifest, env, state, password: new URL(url.reveal()).password, write }
}

describe('keyturn state copy', () => {
  it('moves the state to where a reference says, and says what to write; then the other way round', async () => {
    const { manifest, env, write, password } = await setting()
    const there = keptSession(env)
    expect(await run(there, ['copy'], { manifest, to: '${env:STATE_URL}' })).toBe(0)
    expect(there.out()).toMatch(/^Moved: 1 rotations \(1 open\), 1 entries/)
    expect(there.out()).toMatch(/to {3}postgres:\/\/127\.0\.0\.1:\d+\/postgres \(schema state_\w+\)\nPut the new place under `state`/)
    write("'${env:STATE_URL}'")
    const seen = keptSession(env)
    expect(await history(seen, [], { manifest, json: true })).toBe(0)
    expect(seen.json()).toMatchObject({ rotations: [{ rotation: 'one' }] })
    const back = keptSession(env)
    expect(await run(back, ['copy'], { manifest, to: 'other', json: true })).toBe(0)
    expect(back.json()).toMatchObject({ to: expect.stringMatching(/\/other$/) as string, counts: { rotation: 1 }, open: 1 })
    for (const each of [there, seen, back]) {
      expect(each.leaks()).toBe(false)
      expect(each.out() + each.err()).not.toContain(password)
    }
  })

  it('takes what the manifest says for the end that is not named', async () => {
    const { manifest, env, write } = await setting()
    write("'${env:STATE_URL}'")
    expect(await run(keptSession(env), ['copy'], { manifest, from: 'state' })).toBe(0)
    await expect(run(keptSession(env), ['copy'], { manifest, from: 'nothing-here' })).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
  })

  it('takes no password in the command line, and names what it needs', async () => {
    const { manifest, env, password } = await setting()
    const thrown: unknown = await run(keptSession(env), ['copy'], { manifest, to: env['STATE_URL'] ?? '' }).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'USAGE', about: 'a URL with its password stands in the command line' })
    expect(JSON.stringify(thrown)).not.toContain(password)
    await expect(run(keptSession(env), ['copy'], { manifest })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(run(keptSession(env), ['move'], { manifest })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('loses no open rotation: it goes on at the new place from the step at which it was, to its end', async () => {
    const { engine, rotation, outside, dieAt } = await play()
    await dieAt('reload:0.0', 'after-intent')
    const place = await freshDatabase()
    const before = (await readEvents(engine, rotation)).events
    await copyState(engine.state.folder, place, () => true)
    const state = await openState(place, (engine.state as State & { identityFile: string }).identityFile)
    try {
      while (true) {
        const stopped = await drive({ ...engine, state }, rotation)
        if (stopped.is === 'closed') break
        if (stopped.is !== 'waiting') throw new Error(JSON.stringify(stopped))
        outside.now = Math.max(outside.now, stopped.again)
      }
      const { events } = await readEvents({ state }, rotation)
      expect(events.slice(0, before.length)).toEqual(before)
      expect(events.at(-1)).toMatchObject({ type: 'rotation-closed', result: 'done' })
      await expect(drive(engine, rotation)).rejects.toMatchObject({ code: 'LOCKED' })
    } finally {
      await state.close()
    }
  })
})

describe('keyturn state check', () => {
  it('says that a state is sound, or exits with 1 and what is wrong', async () => {
    const { manifest, env, state } = await setting()
    const sound = keptSession(env)
    expect(await run(sound, ['check'], { manifest, json: true })).toBe(0)
    expect(sound.json()).toMatchObject({ rotations: 1, entries: 1, opened: 0, problems: [], notices: [] })
    const bare = keptSession({})
    await state.db.updateTable('rotation').set({ result: 'done' }).execute()
    expect(await run(bare, ['check'], { manifest })).toBe(1)
    expect(bare.out()).toMatch(/^1 problems in .*\n {2}one: the index says that it is done, the journal does not\n/)
  })
})
