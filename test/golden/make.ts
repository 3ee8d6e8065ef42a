/**
 * Writes the golden journals of a release: `node test/golden/make.ts v0.1`. The rotations are played by the simulator of the
 * tests, with plans of the planner. A folder that exists is not written again: journals of a release are never made anew.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { decide } from '../../src/engine/decide.ts'
import { begin, interruptions, moves, type World } from '../fixture/simulator.ts'
import { specimenPlan, type Wishes } from '../fixture/specimen.ts'
import { goldenLines } from './line.ts'

interface Script {
  readonly wishes?: Wishes
  /** Before which step what happens instead of all going well, each once, in this order. */
  readonly turns?: readonly (readonly [step: string, move: string])[]
}

const SCRIPTS: Readonly<Record<string, Script>> = {
  'done-alternate': { wishes: { stores: 2, waves: [1, 2], checks: 1, postflight: 1 } },
  'done-in-place': { wishes: { strategy: 'in-place', waves: [2], checks: 1 } },
  'rolled-back-alternate': { wishes: { checks: 1 }, turns: [['check:0', 'check:0 CREDENTIAL_REJECTED']] },
  'rolled-back-in-place': { wishes: { strategy: 'in-place' }, turns: [['attest:0.0', 'attest:0.0 UNREACHABLE']] },
  aborted: { turns: [['reload:0.0', 'turn request']] },
  undone: { turns: [['gate:gone', 'turn request']] },
  refused: { turns: [['preflight', 'preflight RIGHTS_MISSING']] },
  'crashed-and-taken-over': {
    turns: [
      ['mint', 'mint crash'], [
        'publish:0',
        'publish:0 taken over',
      ], ['publish:0', 'publish:0 absent'], ['reload:0.0', 'reload:0.0 unknown'],
      [
        'reload:0.0',
        'reload:0.0 not to be seen',
      ], ['grace', 'crash'], ['off', 'off crash'], ['off', 'off absent'], ['back', 'crash'],
    ],
  },
  'held-gate': {
    turns: [
      ['gate:off', 'gate:off held'], ['gate:off', 'gate:off held'], ['off', 'an hour passes'], ['gate:off', 'gate:off held'],
      ['gate:gone', 'gate:gone unknown'],
    ]
  },
  paused: {
    wishes: { checks: 1 },
    turns: [
      ['check:0', 'check:0 CHECK_FAILED'],
      ['off', 'off RIGHTS_MISSING'],
      ['prove:gone', 'prove:gone OLD_STILL_ON'],
      ['sweep', 'sweep asked'],
    ],
  },
}

function play(script: Script): World {
  let world = begin(specimenPlan(script.wishes))
  const turns = [...(script.turns ?? [])]
  while (true) {
    const next = decide(world.events, world.now)
    const possible = moves(world, next)
    const [turn] = turns
    const move = turn !== undefined && 'step' in next && next.step.id === turn[0] ? [
      ...possible,
      ...interruptions(world)
    ].find((each) => each.name === turn[1]) : undefined
    if (move !== undefined) turns.shift()
    const taken = move ?? possible[0]
    if (taken === undefined) return world
    world = taken.after
  }
}

const [release] = process.argv.slice(2)
if (release === undefined || !/^v[\d.]+$/.test(release)) throw new Error('name the release: node test/golden/make.ts v0.1')
const folder = new URL(`${release}/`, import.meta.url)
mkdirSync(folder)
for (const [name, script] of Object.entries(SCRIPTS)) {
  const lines = goldenLines(play(script).events)
  writeFileSync(new URL(`${name}.jsonl`, folder), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  console.log(`${name}: ${lines.length} entries, ${lines.at(-1)?.next ?? ''}`)
}
