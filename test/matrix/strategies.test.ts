import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { registry } from '../../src/connectors.gen.ts'
import { endingBegun, newIdOf } from '../../src/journal/steps.ts'
import { plan } from '../../src/operations/rotate.ts'
import { createIdentity } from '../../src/sealing/identity.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { packageAt } from '../servers/package.ts'
import { type Cell, cellsOf, isOfIssuer, turningPoint } from '../strategies/cell.ts'
import { proveEnd, proveState } from '../strategies/proof.ts'
import { SECRET } from '../strategies/stage.ts'
import { type Part, type ReferenceStage, referenceManifest, setReferenceStage, startAttests } from './reference-stage.ts'
import { type Ran, type Shipped, shipped as shippedBy } from './shipped.ts'

/** One of each strategy, and of overlap one for each way to find a lost credential that is not a value. */
const PARTS: readonly Part[] = [
  { title: 'overlap by tag', traits: { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off', 'gone'] } },
  { title: 'overlap by baseline', traits: { value: 'made', mint: 'adds', locate: 'baseline', slots: 5, ends: ['gone'] } },
  { title: 'hard-cut', traits: { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }, strategy: 'hard-cut' },
  { title: 'provider-managed', traits: { value: 'made', mint: 'triggers', locate: 'tag', slots: 1, ends: [] } },
]

/** Between intent and outcome of an effect: the points at which a real process leaves what a throw might not. Of a mint every fault. */
function isForChild({ step, fault, way }: Cell): boolean {
  if (fault.is !== 'kill') return step.do === 'mint' && way === 'forward'
  if (fault.next === 'turn') return fault.point === 'after-effect' && (step.do === 'mint' || step.do === 'set')
  return (fault.point === 'after-intent' || fault.point === 'after-effect') && ('effect' in step || step.do === 'collect')
}

// Made from the plans themselves: a new step has its cells at once.
const runtime = { env: {}, interrupt: new AbortController().signal, conceal: () => undefined }
const computed = (await Promise.all(PARTS.map(async (part) => {
  const text = referenceManifest(part, { url: 'http://127.0.0.1:1', principal: 'nobody' }, 'http://127.0.0.1:1')
  const made = await plan(runtime, await parseManifest(text, 'keyturn.yaml', { registry }), SECRET, { offline: true })
  const cells = cellsOf(made).filter(isForChild).filter((cell) => part.title !== 'overlap by baseline' || isOfIssuer(cell))
  return cells.map((cell) => ({ cell, part, turnsAt: turningPoint(made).id, title: `${part.title}: ${cell.title}` }))
}))).flat()
const ran: string[] = []

describe('the crash matrix of the strategies, with the shipped program', { timeout: 180_000 }, () => {
  let folder: string
  let identity: string
  let shipped: Shipped
  let attests: Awaited<ReturnType<typeof startAttests>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-strategies-'))
    attests = await startAttests(folder)
    identity = join(folder, 'identity')
    await createIdentity(identity)
    shipped = shippedBy(await packageAt(inject('packageFolder')))
  }, 120_000)

  afterAll(async () => {
    await attests.stop()
    await rm(folder, { recursive: true, force: true })
  })

  describe.concurrent('ends in the right world', () => {
    it.for([...computed.entries()].map(([number, each]) => ({ ...each, number })))('$title', async ({ cell, part, turnsAt, title, number }) => {
      const stage = await setReferenceStage(folder, `c${number}`, identity, attests.url, part)
      try {
        const old = stage.stored()
        const output = await play(cell, turnsAt, stage)
        await stage.look(async (proven) => {
          await proveEnd(proven, { result: cell.result, old })
          await proveState(proven)
        })
        for (const value of [old, stage.stored(), ...stage.server.keys.of('atlas').map((key) => key.value)]) expect(output.includes(value), 'a value in the output').toBe(false)
      } finally {
        await stage.clear()
      }
      ran.push(title)
    })
  })

  it('has run every cell that it computed', () => {
    console.log(`crash matrix of the strategies, with processes: ${ran.length} cells run, ${computed.length} computed`)
    expect(ran.toSorted()).toEqual(computed.map(({ title }) => title).toSorted())
  })

  /** From the opening to the end; everything that any run wrote. */
  async function play(cell: Cell, turnsAt: string, stage: ReferenceStage): Promise<string> {
    const { fault, step } = cell
    let output = ''
    const run = async (words: readonly string[], rehearse = ''): Promise<Ran> => {
      const ended = await shipped.start(stage.folder, [...words, '--wait'], { ...stage.env, KEYTURN_REHEARSE: rehearse }).ended
      output += ended.output
      return ended
    }
    /** Runs until it is killed there, with somebody who does the tasks on the way. */
    const killed = async (words: readonly string[], at: string): Promise<void> => {
      for (let ended = await run(words, `kill:${at}`); ended.signal !== 'SIGKILL'; ended = await run(await nextFor(stage), `kill:${at}`)) {
        if (ended.code !== 4 && ended.code !== 6) throw new Error(`${at} was not reached:\n${output}`)
      }
    }
    let words: readonly string[] = ['rotate', SECRET, '--accept-impact']
    if (cell.lost) stage.server.arm('answer-lost', { on: 'mint' })
    if (cell.way === 'back') {
      await killed(words, `${turnsAt}/before-intent`)
      words = await turnOf(stage)
    }
    if (fault.is === 'late') stage.server.arm('slow', { on: stage.server.traits.mint === 'triggers' ? 'rotate' : 'mint' })
    let ended: Ran
    if (fault.is === 'kill') {
      await killed(words, `${step.id}/${fault.point}`)
      ended = await run(fault.next === 'turn' ? await turnOf(stage) : ['resume', SECRET])
    } else {
      ended = await run(words, fault.is === 'late' ? '' : `${fault.is}:${step.id}`)
    }
    for (let helps = 0; helps < 4 && (ended.code === 4 || ended.code === 6); helps += 1) ended = await run(await nextFor(stage))
    expect([0, 5], output).toContain(ended.code)
    return output
  }
})

function turnOf(stage: ReferenceStage): Promise<readonly string[]> {
  return stage.look(async ({ progress }) => [endingBegun(await progress()) ? 'undo' : 'abort', SECRET])
}

/** Somebody does the task at hand, which is to end what a lost request made; without one, what was wrong is right again. */
function nextFor(stage: ReferenceStage): Promise<readonly string[]> {
  return stage.look(async (proven) => {
    const progress = await proven.progress()
    if (progress.asked === undefined) return ['resume', SECRET]
    const known = [newIdOf(progress), progress.plan.current?.id]
    for (const { id } of stage.server.keys.of('atlas')) if (!known.includes(id)) stage.server.keys.remove('atlas', id)
    return ['task', 'answer', SECRET]
  })
}
