import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../../src/engine/decide.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { overlaps } from '../../src/plan/steps.ts'
import { testCall, verdictEverywhere } from '../../src/testing/issuer-acts.ts'
import type { Outage } from './line.ts'
import { type Row, titleOf } from './outside.ts'
import { type Phase, phasesOf, phaseTitle } from './phase.ts'
import { OUTAGE_MS, setStage, type Stage } from './stage.ts'
import { ROWS } from './table.ts'

/** `npm test` has one row of each connector, and one of each shape of plan; `npm run test:crash` has all. */
const all = process.env['MATRIX'] === 'all'
const rows = ROWS.filter((row, at) => all || row.connector === 'webhook' || ROWS.findIndex(({ connector }) => connector === row.connector) === at)

describe('a minute without the provider', () => {
  it.each(rows.map((row) => [titleOf(row), row] as const))('%s: refused in preflight, with nothing changed; in every later phase it waits, says for what, and goes on by itself', { timeout: 120_000 }, async (_, row) => {
    const stage = await setStage(row)
    const before = await standing(stage)
    await stage.open()
    stage.cutIn([{ step: 'preflight', point: 'before-intent' }], 'refused')
    const stopped = await stage.on()
    expect(stopped).toMatchObject({ is: 'closed', result: 'refused', code: 'UNREACHABLE' })
    expect(names(stage, inspect(stopped)), inspect(stopped)).toBe(true)
    await stage.wait(OUTAGE_MS)
    expect((await stage.events()).some(({ type }) => type === 'intent-recorded')).toBe(false)
    expect(await standing(stage)).toEqual(before)
    expect(holdsOld(stage), 'the store holds the old value').toBe(true)
    await survives(stage, phasesOf(await stage.plan()), 'refused')
  })
})

describe('an outage that lasts longer than keyturn tries again by itself', () => {
  const row = ROWS.find(({ connector, strategy }) => connector === 'webhook' && strategy === 'overlap')

  /** Until a person is called; then the provider comes back, and the person says so. */
  async function outlast(step: string): Promise<Stage> {
    if (row === undefined) throw new Error('there is no such row')
    const stage = await setStage(row)
    await stage.open()
    stage.cutIn([{ step, point: step.startsWith('pro') ? 'before-intent' : 'after-intent' }], 'refused', 4 * PATIENCE_MS)
    const stopped = await stage.on()
    expect(stopped).toMatchObject({ is: 'person', code: 'UNREACHABLE', task: false })
    expect(names(stage, inspect(stopped)), inspect(stopped)).toBe(true)
    await stage.wait(4 * PATIENCE_MS)
    await stage.resume()
    return stage
  }

  it.each(['probe:new', 'off', 'prove:off', 'gone'])('in %s: a person is told what is missing, and `resume` goes on to the end', async (step) => {
    await endsWell(await outlast(step))
  })

  it('in mint: nothing was made, so it goes back, as far as it can without the provider', async () => {
    const stage = await outlast('mint')
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'UNREACHABLE' })
    expect(holdsOld(stage)).toBe(true)
    expect(await standing(stage)).toEqual([`${stage.outside.current.id} on`])
  })
})

/** Each outage in a rotation of its own as well, for a row of each shape of plan. */
const SHAPES = ['postgres alternate', 'mysql in-place', 'vault overlap, approle', 'aws-iam overlap', 'aws-secrets-manager provider-managed, single user']
const own = all ? ROWS.filter((row) => SHAPES.includes(titleOf(row))) : []

describe.each(own.map((row) => [titleOf(row), row] as const))('a minute without %s, in a rotation of its own', (_, row) => {
  it('in each phase', { timeout: 240_000 }, async () => {
    for (const phase of await phasesAt(row)) await byItself(row, phase, 'refused')
  })
})

/** Where a provider that takes connections and never answers is tried, too: it costs real time. */
const silent = all ? ROWS.filter((row) => ['redis alternate', 'rabbitmq alternate'].includes(titleOf(row))) : []

describe.each(silent.map((row) => [titleOf(row), row] as const))('a minute of silence from %s', (_, row) => {
  it('in each effect', { timeout: 240_000 }, async () => {
    const effects = (await phasesAt(row)).filter(({ step, lost }) => lost !== true && ['mint', 'off', 'gone'].includes(step))
    for (const phase of effects) await byItself(row, phase, 'silent')
  })
})

async function phasesAt(row: Row): Promise<readonly Phase[]> {
  const stage = await setStage(row)
  return phasesOf(await stage.plan())
}

async function byItself(row: Row, phase: Phase, how: Outage): Promise<void> {
  try {
    await survives(await setStage(row, how === 'silent' ? '1s' : '10s'), [phase], how)
  } catch (cause) {
    throw new Error(`without ${titleOf(row)} in ${phaseTitle(phase)}`, { cause })
  }
}

/** A whole rotation with an outage in each of these phases, one after the other. */
async function survives(stage: Stage, phases: readonly Phase[], how: Outage): Promise<void> {
  await stage.open()
  stage.cutIn(phases, how)
  await endsWell(stage)
  const events = await stage.events()
  const outages = stage.outages.slice(-phases.length)
  expect(outages.map(({ phase }) => phaseTitle(phase)), 'every outage happened').toEqual(phases.map(phaseTitle))
  for (const { phase, from, to } of outages) {
    expect(to - from, phaseTitle(phase)).toBeGreaterThanOrEqual(OUTAGE_MS)
    const said = troublesIn(events, from, to)
    expect(names(stage, said), `in ${phaseTitle(phase)} it says: ${said}`).toBe(true)
  }
  expect(events.some(({ type }) => type === 'direction-turned' || type === 'rotation-resumed'), 'it goes on by itself').toBe(false)
}

/**
 * It goes to its end: one new credential is known, presented and accepted; of the old one and of lost mints nothing is left that keyturn
 * could end.
 */
async function endsWell(stage: Stage): Promise<void> {
  const { traits } = stage.issuer
  expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
  const events = await stage.events()
  const [opened] = events
  if (opened?.type !== 'rotation-opened') throw new Error('the journal has no beginning')
  expect(events.filter((event) => event.type === 'step-done' && event.step === 'mint')).toHaveLength(1)
  expect(holdsOld(stage)).toBe(false)
  const stored = stage.stored()
  const { id: old } = stage.outside.current
  const stays = overlaps(opened.plan) && traits.ends.length === 0
  const seen = await stage.issuer.observe(testCall())
  if (seen.is !== 'done') throw new Error(inspect(seen))
  const on = seen.value.known.filter(({ state }) => state === 'on').map(({ id }) => id)
  if (seen.value.complete) expect(on.toSorted()).toEqual([...new Set([stored.id, ...(stays ? [old] : [])])].toSorted())
  if (traits.acceptor !== 'issuer') return
  expect(await verdictEverywhere(stage.issuer, stored)).toBe('accepted')
  expect(await verdictEverywhere(stage.issuer, stage.outside.current)).toBe(stays ? 'accepted' : 'rejected')
}

/** What the journal says went wrong in this time. */
function troublesIn(events: readonly TimedEvent[], from: number, to: number): string {
  return events.filter(({ at, type }) => at >= from && at <= to && (type === 'step-refused' || type === 'step-unknown' || type === 'gate-held')).map((event) => {
    if (event.type === 'gate-held') return event.reasons.join('; ')
    return 'code' in event && 'about' in event ? `${event.code} ${event.about ?? ''}` : ''
  }).join('\n')
}

/** Whether a text names the provider: its address, its name, or an endpoint of it. */
function names({ outside, issuer }: Stage, text: string): boolean {
  return [...outside.lines.map(({ port }) => `127.0.0.1:${port}`), ...(outside.name === undefined ? [] : [outside.name]), ...issuer.endpoints().map((endpoint) => ` at ${endpoint}`)].some((name) => text.includes(name))
}

async function standing({ issuer }: Stage): Promise<unknown> {
  const seen = await issuer.observe(testCall())
  return seen.is === 'done' ? seen.value.known.map(({ id, state }) => `${id} ${state}`) : seen
}

function holdsOld(stage: Stage): boolean {
  const { fields } = stage.stored()
  return Object.entries(stage.outside.current.fields).every(([field, value]) => value.equals(fields[field]))
}
