import { describe, expect, it } from 'vitest'
import { begin, moves, START, type World, write } from '../../test/fixture/simulator.ts'
import { specimenPlan, type Wishes } from '../../test/fixture/specimen.ts'
import type { Event, TimedEvent } from '../journal/event.ts'
import { KINDS } from '../telling/kind.ts'
import { noticesOf } from './of-journal.ts'

const HOUR = 3_600_000

/** Goes on with what is named in the list where it may happen, and well otherwise. */
function play(wishes: Wishes = {}, otherwise: readonly string[] = []): readonly TimedEvent[] {
  const left = [...otherwise]
  let world: World = begin(specimenPlan(wishes))
  for (;;) {
    const next = moves(world)
    const at = left.length === 0 ? -1 : next.findIndex(({ name }) => name === left[0])
    const move = next[Math.max(0, at)]
    if (move === undefined || world.events.length > 300) return world.events
    if (at >= 0) left.shift()
    world = move.after
  }
}

const kindsOf = (events: readonly TimedEvent[]): string[] => noticesOf('one', events).map(({ kind }) => kind)

/** A journal of a rotation that was just claimed, with these behind it, each an hour later. */
const after = (...events: readonly Event[]): readonly TimedEvent[] =>
  events.reduce((world, event) => write(world, event, HOUR), begin(specimenPlan())).events

const asked: Event = { type: 'step-asked', step: 'mint', attempt: 1, task: { kind: 'mint', title: 'Make a key', steps: ['Open the console.'], due: HOUR } }

describe('what people are told of a rotation', () => {
  it('that goes well: that it began and that it is done; with an impact also when users begin to feel it (N-04, R-14)', () => {
    expect(kindsOf(play())).toEqual(['rotation-opened', 'rotation-done'])
    const events = play({ strategy: 'in-place' }).map((event) => (event.type === 'rotation-opened' ? { ...event, plan: { ...event.plan, summary: { ...event.plan.summary, impact: 'everybody is signed out' } } } : event))
    expect(kindsOf(events)).toEqual(['rotation-opened', 'impact-begun', 'rotation-done'])
    expect(noticesOf('one', events)[1]).toMatchObject({ title: expect.stringContaining('everybody is signed out') as string, secret: 'database', owner: 'platform', environment: 'staging' })
  })

  it('that goes back by itself: why, and that the old one is in use (S3-59, R-11)', () => {
    const notices = noticesOf('one', play({}, ['probe:new CREDENTIAL_REJECTED']))
    expect(notices.map(({ kind, severity, trouble }) => [kind, severity, trouble])).toEqual([
      ['rotation-opened', 'info', undefined], ['rotation-turned', 'warning', undefined], ['rotation-rolled-back', 'warning', 'begun'],
    ])
    expect(notices[2]?.facts).toMatchObject({ code: 'CREDENTIAL_REJECTED' })
  })

  it('that a person aborts: it is no trouble', () => {
    const notices = noticesOf('one', after(
      { type: 'turn-requested', by: 'anna@desk', why: 'abort' }, { type: 'direction-turned', code: 'ROLLED_BACK', about: 'abort requested by anna@desk' }, { type: 'rotation-closed', result: 'rolled-back', code: 'ROLLED_BACK' },
    ))
    expect(notices.map(({ kind, severity, trouble }) => [kind, severity, trouble]).slice(1)).toEqual([['rotation-turned', 'info', undefined], ['rotation-rolled-back', 'info', 'over']])
  })

  it('that is refused, or stands still until a person looks, with keyturn\'s own hint', () => {
    expect(kindsOf(play({}, ['preflight RIGHTS_MISSING']))).toEqual(['rotation-opened', 'rotation-refused'])
    const notices = noticesOf('one', play({}, ['publish:0 RIGHTS_MISSING', 'resume']))
    expect(notices.map(({ kind, severity, trouble }) => [kind, severity, trouble]).slice(1)).toEqual([
      ['rotation-paused', 'critical', 'begun'], ['rotation-resumed', 'info', 'taken'], ['rotation-done', 'info', 'over'],
    ])
    expect(notices[1]).toMatchObject({ title: 'the rotation of database stands still: the admin lacks a right that this rotation needs', advice: { actions: [expect.stringContaining('Grant')], contacts: [] } })
  })

  it('that asks a person: once, reminded, answered or declined, and no word that it stands still (N-06, S2-105)', () => {
    const paused: Event = { type: 'rotation-paused', step: 'mint', code: 'NOT_NOW', about: 'Make a key' }
    const notices = noticesOf('one', after(asked, paused, { type: 'task-reminded', step: 'mint' }, { type: 'task-answered', step: 'mint', attempt: 1, by: 'anna@desk' }))
    expect(notices.map(({ kind }) => kind)).toEqual(['rotation-opened', 'task-asked', 'task-reminded', 'task-answered'])
    expect(notices[1]?.facts).toMatchObject({ task: 'mint', due: new Date((notices[1]?.at ?? 0) + HOUR).toISOString().replace(/\.\d+Z$/, 'Z') })
    expect(kindsOf(after(asked, paused, { type: 'task-declined', step: 'mint', attempt: 1, by: 'anna@desk', reason: 'hunter2' })).at(-1)).toBe('task-declined')
  })

  it('whose value goes to outside receivers: that each of them took it, by name and without the value (N-03, S2-39)', () => {
    const handed: Event = { type: 'step-asked', step: 'reload:0.0', attempt: 1, task: { kind: 'confirm', title: 'Hand it over', steps: [], receivers: ['shop', 'bank'], fields: ['password'] } }
    const notices = noticesOf('one', after(handed, { type: 'receiver-acknowledged', step: 'reload:0.0', attempt: 1, receiver: 'shop', by: 'anna@desk' }))
    expect(notices.slice(1).map(({ kind, facts }) => [kind, facts['receivers'] ?? facts['receiver']])).toEqual([['task-asked', 2], ['receiver-acknowledged', 'shop']])
  })

  it('whose gate holds: after an hour, and then once a day', () => {
    const held = (hours: number): Event[] => Array.from({ length: hours }, () => ({ type: 'gate-held', step: 'gate:off', reasons: ['app-1 uses it'], retryAt: START }))
    const told = (hours: number): unknown[] => noticesOf('one', after(...held(hours))).filter(({ kind }) => kind === 'rotation-held').map(({ facts }) => facts['hours'])
    expect([told(1), told(2), told(24), told(25), told(50)]).toEqual([[], [1], [1], [1, 24], [1, 24, 48]])
    const again = after(...held(2), { type: 'step-done', step: 'gate:off', attempt: 1, evidence: {} }, ...held(2))
    expect(kindsOf(again).filter((kind) => kind === 'rotation-held')).toHaveLength(2)
  })

  it('repeats nothing that people typed as a reason, and puts every text on one line', () => {
    const notices = noticesOf('one', after(asked, { type: 'task-declined', step: 'mint', attempt: 1, by: 'anna@desk', reason: 'hunter2\nhunter2' }, { type: 'rotation-paused', step: 'mint', code: 'DECLINED', about: 'hunter2' }))
    expect(JSON.stringify(notices)).not.toContain('hunter2')
    const odd = after({ type: 'rotation-paused', step: 'mint', code: 'GATE_HELD', about: `one\r\nBcc: two\u2028${'x'.repeat(900)}` })
    expect(noticesOf('one', odd).at(-1)?.title).toMatch(/^[^\r\n\u2028]{1,400}$/)
  })

  it('is the same again: a longer journal gives the same notices with the same ids, and more behind them', () => {
    for (const otherwise of [[], ['probe:new CREDENTIAL_REJECTED'], ['mint asked', 'mint answered'], ['publish:0 RIGHTS_MISSING', 'resume']]) {
      const events = play({}, otherwise)
      const all = noticesOf('one', events)
      for (let length = 0; length <= events.length; length += 1) {
        const prefix = noticesOf('one', events.slice(0, length))
        expect(prefix).toEqual(all.slice(0, prefix.length))
      }
      const ids = all.map(({ id }) => id)
      expect([...new Set(ids)].toSorted()).toEqual(ids)
      expect(all.every(({ kind }) => Object.hasOwn(KINDS, kind))).toBe(true)
    }
  })
})
