import { describe, expect, it } from 'vitest'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { BACKENDS } from '../fixture/state.ts'
import { type Cell, cellsOf } from './cell.ts'
import { playCell } from './crash.ts'
import { proveState } from './proof.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'

/** Waits that are slept through at once. */
const AT_ONCE = { grace: '40ms', quiet: { for: '40ms', every: '20ms' }, undo: '40ms', deadline: '1s' }

/** What is taken back to: applied again, all at once or not; turned on again; there all the time. */
const PARTS: readonly (readonly [title: string, traits: ReferenceTraits, options: StageOptions])[] = [
  ['in-place', { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, {}],
  ['hard-cut', { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, { strategy: 'hard-cut' }],
  ['only off', { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off'] }, {}],
  ['never ended', { value: 'made', mint: 'adds', locate: 'none', slots: 2, ends: [] }, {}],
]

/** Where the state itself is at stake: an effect that is killed between its intent and its outcome, in both ways. */
function isOfState({ step, fault }: Cell): boolean {
  return 'effect' in step && fault.is === 'kill' && (fault.point === 'after-intent' || fault.point === 'after-effect')
}

/** Rotates once more, so that there is something to take back. */
async function rotated(stage: Stage): Promise<void> {
  // What is newer has a later time, and this clock only moves by sleeping.
  stage.clock.now += 1
  await stage.open({ acceptImpact: true })
  const stopped = await stage.on()
  if (stopped.is !== 'closed' || stopped.result !== 'done') throw new Error(`nothing to take back: ${JSON.stringify(stopped)}`)
}

describe.each(BACKENDS)('the crash matrix of taking back, killed in this process, with the state in $name (C-12)', { timeout: 300_000 }, ({ name, kind, fresh: state }) => {
  it.for(PARTS)('%s', async ([title, traits, options]) => {
    const fresh = (late: boolean): Promise<Stage> => setStage(traits, { ...options, state, secret: { ...AT_ONCE, ...(late ? { deadline: '150ms' } : {}) } })
    const first = await fresh(false)
    await rotated(first)
    await first.takeBack()
    // No mint gets lost in what makes nothing.
    const cells = cellsOf((await first.progress()).plan).filter((cell) => !cell.lost && (kind === 'sqlite' || isOfState(cell)))
    const failed: string[] = []
    let ran = 0
    for (const late of [false, true]) {
      let stage = await fresh(late)
      for (const cell of cells.filter(({ fault }) => (fault.is === 'late') === late)) {
        try {
          await rotated(stage)
          await playCell(stage, cell, () => stage.takeBack())
        } catch (thrown) {
          failed.push(`${cell.title}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
          stage = await fresh(late)
        }
        ran += 1
      }
      await proveState(stage)
    }
    console.log(`crash matrix of taking back, ${title}, ${name}: ${ran} cells run`)
    expect(failed).toEqual([])
    expect(ran).toBe(cells.length)
    expect(ran).toBeGreaterThan(kind === 'sqlite' ? 40 : 8)
  })
})
