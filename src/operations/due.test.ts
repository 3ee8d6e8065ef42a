import { describe, expect, it } from 'vitest'
import { freshState, openOne } from '../../test/fixture/state.ts'
import { specimenManifest } from '../../test/fixture/specimen.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import { readPast } from './past.ts'
import { dueOf, isOverdue, listDue } from './due.ts'

const at = (text: string): number => Date.parse(text)
const DAY = 86_400_000
const NOW = at('2026-11-20T12:00:00Z')
const { secret: base, manifest } = specimenManifest()
const secret = (part: Partial<SecretSpec>): SecretSpec => ({ ...base, ...part })
/** One without an `every`. */
const unscheduled: SecretSpec = { ...base }
delete (unscheduled as { every?: string }).every

describe('a secret', () => {
  const rotated = (openedAt: number) => ({ last: { rotation: 'one', openedAt, closedAt: openedAt } })
  it.each([
    ['stuck while its open rotation waits for a person, whatever its time', secret({ every: '90d' }), { ...rotated(NOW), open: 'two', stuck: 'waits for a person: DEADLINE' }, 'stuck'],
    ['overdue from the very moment on', secret({ every: '90d' }), rotated(NOW - 90 * DAY), 'overdue'],
    ['due within what was asked for', secret({ every: '90d' }), rotated(NOW - 83 * DAY), 'due'],
    ['fine before that', secret({ every: '90d' }), rotated(NOW - 83 * DAY + 1), 'fine'],
    ['unrotated when the state has no rotation of it', secret({ every: '90d' }), {}, 'unrotated'],
    ['unknown without a state', secret({ every: '90d' }), undefined, 'unknown'],
    ['never due when its policy says so (S2-74)', secret({ every: 'never' }), rotated(0), 'never'],
    ['manual without a policy, and never overdue (S1-09)', unscheduled, rotated(0), 'manual'],
    ['compromised when somebody said so, whatever its time', secret({ every: '90d' }), { ...rotated(NOW), marked: { compromise: NOW } }, 'compromised'],
    ['due by its expiry, whatever else there is', secret({ every: 'never', on: ['expiry'], expires: { after: 20 * DAY } }), rotated(NOW - 15 * DAY), 'overdue'],
    ['inactive when its lifecycle says so (S2-01)', secret({ every: '1d', lifecycle: 'legacy' }), rotated(0), 'inactive'],
  ] as const)('is %s', (_, one, seen, state) => {
    expect(dueOf(one, seen, NOW, 7 * DAY)).toMatchObject({ secret: 'database', state })
  })

  it.each([
    ['a task: Make a new key', null, 0, 'waits for a task: Make a new key'],
    ['a person: DEADLINE', null, 0, 'waits for a person: DEADLINE'],
    // Nobody was there to end its wait; in the second one somebody is at it.
    ['grace', NOW - 601_000, 0, expect.stringContaining('nobody has gone on with it since')],
    ['grace', NOW - 601_000, NOW + 1_000, undefined],
    ['grace', NOW - 599_000, 0, undefined],
    ['grace', NOW + DAY, 0, undefined],
  ])('whose open rotation waits for %j, due at %j, held until %j, is stuck: %j', async (waitsFor, dueAt, until, stuck) => {
    const state = await freshState()
    await openOne(state, 'one')
    await state.db.updateTable('rotation').set({ waits_for: waitsFor, due_at: dueAt, lease_until: until }).execute()
    expect((await readPast(manifest, state.db, NOW)).get('database')?.stuck).toEqual(stuck)
  })

  it('breaks its policy when it is overdue, and when nobody can show that it is not', () => {
    const states = (['stuck', 'compromised', 'overdue', 'unrotated', 'unknown', 'due', 'fine', 'manual', 'never', 'inactive'] as const).filter((state) => isOverdue({ secret: 'a', lifecycle: 'active', state }))
    expect(states).toEqual(['stuck', 'compromised', 'overdue', 'unrotated', 'unknown'])
  })
})

describe('the secrets of a manifest', () => {
  it('come with the newest rotation that was done, the most pressing first; open, failed and others\' rotations count for nothing (X-12)', async () => {
    const state = await freshState()
    const opened = (days: number) => ({ type: 'noted', at: NOW - days * DAY, body: {} })
    const rows = [
      ['old', 'database', 400, 'done'], ['recent', 'database', 100, 'done'], ['failed', 'database', 50, 'rolled-back'], ['refused', 'database', 40, 'refused'], ['open', 'database', 1, null],
      ['cache', 'cache', 10, 'done'], ['other', 'token', 1, 'done'],
    ] as const
    for (const [id, name, days, result] of rows) {
      await openOne(state, id, { secret: name, opened: opened(days), ...(id === 'other' ? { system: 'elsewhere' } : {}) })
      await state.db.updateTable('rotation').set({ result }).where('id', '=', id).execute()
    }
    const named: Manifest = { ...manifest, secrets: Object.fromEntries(['never', 'cache', 'token', 'database'].map((name) => [name, secret({ name, every: name === 'never' ? 'never' : '90d' })])) }
    expect(await listDue(named, state.db, NOW, 7 * DAY)).toEqual([
      {
        secret: 'database', state: 'stuck', lifecycle: 'active', owner: 'platform', every: '90d', since: NOW - 100 * DAY, rotation: 'recent', at: NOW - 10 * DAY, cause: 'every 90d', open: 'open',
        stuck: `nobody has gone on with it since ${new Date(NOW - DAY).toISOString().slice(0, 16)}Z: \`keyturn run\` does`,
      },
      { secret: 'token', state: 'unrotated', lifecycle: 'active', owner: 'platform', every: '90d' },
      { secret: 'cache', state: 'fine', lifecycle: 'active', owner: 'platform', every: '90d', since: NOW - 10 * DAY, rotation: 'cache', at: NOW + 80 * DAY, cause: 'every 90d' },
      { secret: 'never', state: 'never', lifecycle: 'active', owner: 'platform', every: 'never' },
    ])
    expect((await listDue(named, undefined, NOW, 0)).map(({ state: how }) => how)).toEqual(['unknown', 'unknown', 'unknown', 'never'])
  })
})
