import { describe, expect, it } from 'vitest'
import { referenceTraits, type ReferenceTraits, titleOf } from '../../src/testing/index.ts'
import { type Cell, cellsOf, isOfIssuer } from './cell.ts'
import { playCell } from './crash.ts'
import { proveState } from './proof.ts'
import { setStage, type Stage, type StageOptions } from './stage.ts'

/** Waits that are slept through at once. */
const AT_ONCE = { grace: '40ms', quiet: { for: '40ms', every: '20ms' }, undo: '40ms', deadline: '1s' }

/** Plays the cells one after the other, each a rotation of the same secret; after one that fails the next begins in a fresh world. */
async function playAll(traits: ReferenceTraits, options: StageOptions, wanted: (cell: Cell) => boolean): Promise<{ readonly computed: number; readonly ran: number; readonly failed: readonly string[] }> {
  const fresh = (late: boolean): Promise<Stage> => setStage(traits, { ...options, secret: { ...options.secret, ...AT_ONCE, ...(late ? { deadline: '150ms' } : {}) } })
  const cells = cellsOf(await (await fresh(false)).plan()).filter(wanted)
  const failed: string[] = []
  let ran = 0
  for (const late of [false, true]) {
    let stage = await fresh(late)
    for (const cell of cells.filter(({ fault }) => (fault.is === 'late') === late)) {
      try {
        await playCell(stage, cell)
      } catch (thrown) {
        failed.push(`${cell.title}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
        stage = await fresh(late)
      }
      ran += 1
    }
    await proveState(stage)
  }
  return { computed: cells.length, ran, failed }
}

const total = { computed: 0, ran: 0 }
const count = ({ computed, ran }: typeof total): void => {
  total.computed += computed
  total.ran += ran
}

/** One of each strategy, and of overlap one by tag. */
const WHOLE: readonly (readonly [title: string, traits: ReferenceTraits, options: StageOptions])[] = [
  ['overlap, made, by tag', { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off', 'gone'] }, {}],
  ['overlap with a new and an old name, made, that can only be ended for good', { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['gone'] }, {
    secret: { stores: [{ use: 'dotenv', file: '.env', bind: { TOKEN: '{token}', TOKEN_NEW: { new: '{token}' }, TOKEN_OLD: { old: '{token}' } } }] },
  }],
  ['hard-cut, chosen', { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, { strategy: 'hard-cut' }],
  ['provider-managed, one slot', { value: 'made', mint: 'triggers', locate: 'tag', slots: 1, ends: [] }, {}],
]

describe('killed in this process (a throw for SIGKILL), at every step and every point of', { timeout: 300_000 }, () => {
  it.for(WHOLE)('%s', async ([, traits, options]) => {
    const played = await playAll(traits, options, () => true)
    count(played)
    expect(played.failed).toEqual([])
    expect(played.ran).toBe(played.computed)
  })
})

/** The others differ in what the issuer does, and in nothing else. */
const REST = referenceTraits.filter((traits) => !WHOLE.some(([, each, { strategy }]) => strategy === undefined && titleOf(each) === titleOf(traits)))

describe('killed in this process (a throw for SIGKILL), at every effect of the issuer', { timeout: 300_000 }, () => {
  it.for(REST.map((traits) => [titleOf(traits), traits] as const))('%s', async ([, traits]) => {
    const played = await playAll(traits, {}, isOfIssuer)
    count(played)
    expect(played.failed).toEqual([])
    expect(played.ran).toBe(played.computed)
  })
})

it('every cell that was computed was run', () => {
  console.log(`crash matrix of the strategies, in one process: ${total.ran} cells run, ${total.computed} computed`)
  expect(total.ran).toBe(total.computed)
})
