import { expect, it } from 'vitest'
import { freshState, NOW } from '../../test/fixture/state.ts'
import { readNotes } from './note.ts'
import { continueState, pauseState, readPause } from './pause.ts'

it('a pause holds until it is ended, is written down with who and why, and neither is done twice', async () => {
  const state = await freshState()
  const pause = { by: 'ada@host', reason: 'the database moves', at: NOW }
  expect(await readPause(state.db)).toBeUndefined()
  expect(await continueState(state, { by: 'ada@host', at: NOW })).toBe(false)
  expect(await pauseState(state, pause)).toBe(true)
  expect(await pauseState(state, { ...pause, by: 'somebody else' })).toBe(false)
  expect(await readPause(state.db)).toEqual(pause)
  expect(await continueState(state, { by: 'eve@host', at: NOW + 1 })).toBe(true)
  expect(await readPause(state.db)).toBeUndefined()
  expect((await readNotes(state.db)).entries).toMatchObject([
    { type: 'state-paused', at: NOW, body: { by: 'ada@host', reason: 'the database moves' } },
    { type: 'state-continued', at: NOW + 1, body: { by: 'eve@host' } },
  ])
})
