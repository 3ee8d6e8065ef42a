import { expect, it } from 'vitest'
import { START } from '../../test/fixture/simulator.ts'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import type { Event, TimedEvent } from '../journal/event.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'
import { KINDS } from '../telling/kind.ts'
import { noticesOf } from './of-journal.ts'

const HOUR = 3_600_000
/** What must not be told: it stands wherever people or systems outside have a say. */
const value = generate(ALNUM, 32)

/** The plan of a secret that users feel; the value stands in all that is configured. */
const plan = (): ReturnType<typeof specimenPlan> => {
  const made = specimenPlan({ strategy: 'in-place', value })
  return { ...made, issuer: { ...made.issuer, config: { admin: value } }, stores: made.stores.map((store) => ({ ...store, config: { token: value } })), summary: { ...made.summary, impact: 'everybody is signed out', evidence: { said: value } } }
}

const opening = (more: object = {}): Event => ({ type: 'rotation-opened', rotation: 'one', plan: { ...plan(), ...more }, version: '0.0.0', by: 'anna@desk', reason: value })
const asked: Event = { type: 'step-asked', step: 'mint', attempt: 1, task: { kind: 'mint', title: 'Make a key', steps: [`Paste ${value}.`], fields: ['password'], receivers: ['shop'] } }
const held: Event = { type: 'gate-held', step: 'preflight', reasons: ['app-1 uses it'], retryAt: START }

const JOURNALS: readonly (readonly Event[])[] = [
  [
    opening(), { type: 'rotation-claimed', by: value, fence: 1, predecessor: 'none' }, { type: 'intent-recorded', step: 'mint', attempt: 1, deadline: START * 2, tag: value, id: value },
    { type: 'step-refused', step: 'mint', attempt: 1, code: 'SERVER_ERROR', evidence: { said: value } }, asked, { type: 'task-reminded', step: 'mint' },
    { type: 'value-handed', step: 'mint', attempt: 1, receiver: 'shop', by: 'anna@desk', to: 'file' }, { type: 'receiver-acknowledged', step: 'mint', attempt: 1, receiver: 'shop', by: 'anna@desk' },
    { type: 'task-answered', step: 'mint', attempt: 1, by: 'anna@desk', id: value }, held, held, { type: 'step-done', step: 'preflight', attempt: 1, evidence: { said: value } },
    { type: 'acknowledged', what: 'clock', by: 'anna@desk', reason: value }, asked, { type: 'task-declined', step: 'mint', attempt: 1, by: 'anna@desk', reason: value },
    { type: 'rotation-paused', step: 'mint', code: 'DECLINED', about: value }, { type: 'rotation-resumed', by: 'anna@desk' },
    { type: 'direction-turned', code: 'DECLINED', about: value }, { type: 'rotation-closed', result: 'rolled-back', code: 'DECLINED', about: value },
  ],
  [opening(), { type: 'rotation-closed', result: 'refused', code: 'DECLINED', about: value }],
  [opening({ takesBack: 'database-1' }), { type: 'rotation-closed', result: 'done' }],
  [opening({ emergency: { order: 'forget-first', incident: 'incident-1', decidedAt: START, inherits: [{ id: value, fingerprint: value }], tags: [value], estimates: { 'forget-first': { outage: 1, exposure: 1 }, 'mint-first': { outage: 1, exposure: 1 } } } }), { type: 'rotation-closed', result: 'superseded', code: 'SUPERSEDED', about: 'database-2' }],
]

/** What the time brings has nothing of a journal in it: of-time.test.ts. */
const OF_TIME = /^(rotation-(left|unbegun)|impact-ahead|incident-open|secret-\w+|notice-tested)$/

it('no notice of any kind holds what people typed, what a system said, or what is configured (I11, X-08)', () => {
  const notices = JOURNALS.flatMap((events) => noticesOf('one', events.map((event, index): TimedEvent => ({ ...event, at: START + index * HOUR }))))
  const redactor = new Redactor()
  redactor.conceal(new Secret(value))
  expect(notices.filter((notice) => redactor.holds(JSON.stringify(notice))).map(({ kind }) => kind)).toEqual([])
  expect([...new Set(notices.map(({ kind }) => kind))].toSorted()).toEqual(Object.keys(KINDS).filter((kind) => !OF_TIME.test(kind)).toSorted())
})
