import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { begin, moves, type World } from '../../test/fixture/simulator.ts'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import type { Late } from '../engine/engine.ts'
import { foldProgress } from '../journal/progress.ts'
import type { Outcome } from '../operations/follow.ts'
import { PLAIN } from '../views/paint.ts'
import { progressTo, tellOutcome } from './report.ts'
import type { Terminal } from './terminal.ts'

const ids = ['database-20260101-aaaaaa', 'cache-20260101-bbbbbb'] as const

function terminal(): Terminal & { readonly lines: string[]; readonly passing: string[] } {
  const lines: string[] = []
  const passing: string[] = []
  const ignore = (): undefined => undefined
  return { lines, passing, out: (text) => { lines.push(stripVTControlCharacters(text)) }, err: ignore, transient: (text) => { passing.push(text) }, conceal: ignore, paint: PLAIN }
}

/** All events of a rotation that goes well, told by turns as those of two. */
function tellBoth(named: boolean): ReturnType<typeof terminal> {
  const shown = terminal()
  const watcher = progressTo(shown, false, named)
  let world: World = begin(specimenPlan())
  for (let move = moves(world)[0]; move !== undefined; move = moves(world)[0]) world = move.after
  for (const [index, event] of world.events.entries()) {
    const progress = foldProgress(world.events.slice(0, index + 1))
    for (const id of ids) watcher.onEvent?.(id, event, progress)
  }
  return shown
}

describe('the lines of several rotations', () => {
  it('say whose they are, each of them', () => {
    const { lines, passing } = tellBoth(true)
    expect(lines.length).toBeGreaterThan(10)
    for (const line of [...lines, ...passing]) expect(ids.filter((id) => line.startsWith(`${id}  `))).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith(ids[0])).map((line) => line.slice(ids[0].length))).toEqual(
      lines.filter((line) => line.startsWith(ids[1])).map((line) => line.slice(ids[1].length)),
    )
  })

  it('say so of where each stopped, once a line', () => {
    const shown = terminal()
    const outcomes: Outcome[] = [
      { rotation: ids[0], is: 'waiting', until: 0, again: 0, why: 'grace', about: 'grace' },
      { rotation: ids[1], is: 'closed', result: 'done' },
    ]
    for (const outcome of outcomes) tellOutcome(shown, outcome, false, true)
    expect(shown.lines.filter((line) => line.includes(ids[0]))).toHaveLength(2)
    expect(shown.lines).toContain(`Done: ${ids[1]}`)
  })
})

it('the lines of one rotation alone are not named', () => {
  for (const line of tellBoth(false).lines) expect(line).not.toContain(ids[0])
})

describe('a late effect that is waited out', () => {
  const progress = foldProgress(begin(specimenPlan()).events)
  const late = (until: number, at = progress.openedAt + 2_000): Late => {
    const step = progress.plan.steps.find((each) => each.id === 'publish:0')
    if (step === undefined) throw new Error('the plan has no such step')
    return { step, at, until: progress.openedAt + until }
  }

  it('is told once, with what it is and until when', () => {
    const shown = terminal()
    const { onLate } = progressTo(shown, false)
    for (const each of [late(12_000), late(12_000, progress.openedAt + 2_250), late(12_000), late(30_000)]) onLate?.(ids[0], each, progress)
    expect(shown.lines).toHaveLength(2)
    expect(shown.lines[0]).toMatch(/^ +\+2 s {2}· waiting until 2026-01-01T00:00:12Z: an earlier try of publish:0 may still land \(write .+ to .+\)$/)
    expect(shown.lines[1]).toContain('2026-01-01T00:00:30Z')
  })

  it('is not told with --json', () => {
    expect(progressTo(terminal(), true).onLate).toBeUndefined()
  })
})
