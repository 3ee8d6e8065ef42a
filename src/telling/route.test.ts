import { describe, expect, it } from 'vitest'
import type { Notice } from '../kit/index.ts'
import { CONDITION_MEANS, CONDITIONS } from './condition.ts'
import { KINDS } from './kind.ts'
import { address, type Route } from './route.ts'
import { readFileSync } from 'node:fs'

const notice: Notice = {
  id: 'n', kind: 'rotation-paused', severity: 'warning', title: 't', facts: { code: 'CREDENTIAL_REJECTED', strategy: 'overlap' }, system: 'atlas', environment: 'staging', secret: 'database', owner: 'platform', at: 1,
}

const told = (route: Omit<Route, 'to'>, changes: Partial<Notice> = {}): boolean => address({ ...notice, ...changes }, [{ ...route, to: ['ops'] }], []).to.length > 0

describe('a route (N-01, N-02, S1-65, S3-63)', () => {
  it('without anything in it takes every notice, one about no secret, too', () => {
    expect(told({})).toBe(true)
    const { secret: _, owner: __, ...bare } = notice
    expect(address(bare, [{ to: ['ops'] }], []).to).toEqual(['ops'])
    expect(address(bare, [{ owner: ['platform'], to: ['ops'] }], []).to).toEqual([])
  })

  it.each<[Omit<Route, 'to'>, Partial<Notice>]>([
    [{ kind: ['rotation-paused', 'rotation-done'] }, { kind: 'rotation-opened' }],
    [{ severity: 'warning' }, { severity: 'info' }],
    [{ owner: ['platform', 'auth'] }, { owner: 'storage' }],
    [{ secret: ['database'] }, { secret: 'session' }],
    [{ environment: ['staging'] }, { environment: 'production' }],
    [{ kind: ['auth-failures'] }, { facts: { code: 'STORE_DENIED' } }],
    [{ kind: ['auth-failures'] }, { kind: 'rotation-opened' }],
  ])('%j takes what fits, and nothing else', (route, other) => {
    expect([told(route), told(route, other)]).toEqual([true, false])
  })

  it('takes what is more severe as well', () => {
    expect(told({ severity: 'warning' }, { severity: 'critical' })).toBe(true)
  })

  it('has all of it fit, not one part', () => {
    expect(told({ owner: ['platform'], severity: 'critical' })).toBe(false)
  })

  it('tells nobody twice: the secret\'s own come first, then every route that fits (N-05, S2-80)', () => {
    const routes = [{ to: ['siem', 'ops'] }, { kind: ['rotation-done'], to: ['never'] }, { owner: ['platform'], to: ['platform', 'siem'] }]
    expect(address(notice, routes, ['ops']).to).toEqual(['ops', 'siem', 'platform'])
  })
})

describe('the advice of an escalation (R-11, R-12, R-13)', () => {
  const row = (kind: string, action: string, link?: string): Route => ({ kind: [kind], to: [], advice: { actions: [action], contacts: ['#support'], ...(link === undefined ? {} : { link }) } })

  it('stands in the notice behind keyturn\'s own, of all rows that fit', () => {
    const own = { ...notice, facts: { code: 'CHECK_FAILED' }, advice: { actions: ['Look.'], contacts: [] } }
    const { notice: addressed, to } = address(own, [row('auth-failures', 'Go back.', 'https://a.example'), row('connections-broken', 'Restart.', 'https://b.example'), row('rotation-done', 'Never.')], [])
    expect(to).toEqual([])
    expect(addressed.advice).toEqual({ actions: ['Look.', 'Go back.', 'Restart.'], contacts: ['#support'], link: 'https://a.example' })
  })

  it('leaves a notice alone that none fits', () => {
    expect(address(notice, [row('rotation-done', 'Never.')], []).notice).toBe(notice)
  })

  it.each<[keyof typeof CONDITIONS, Partial<Notice>, boolean]>([
    ['leak', { kind: 'emergency-opened', facts: {} }, true],
    ['leak', { kind: 'rotation-opened', facts: {} }, false],
    ['auth-failures', { kind: 'rotation-rolled-back', facts: { code: 'CREDENTIAL_REJECTED' } }, true],
    ['auth-failures', { kind: 'rotation-refused', facts: { code: 'CREDENTIAL_REJECTED' } }, false],
    ['connections-broken', { kind: 'rotation-paused', facts: { code: 'CONSUMER_UNREADY' } }, true],
    ['connections-broken', { kind: 'rotation-paused', facts: { code: 'STORE_FULL' } }, false],
    ['auto-rotation-failed', { kind: 'rotation-unbegun', facts: {} }, true],
    ['auto-rotation-failed', { kind: 'secret-overdue', facts: {} }, true],
    ['auto-rotation-failed', { kind: 'rotation-held', facts: { strategy: 'provider-managed' } }, true],
    ['auto-rotation-failed', { kind: 'rotation-paused', facts: { scheduled: true } }, true],
    ['auto-rotation-failed', { kind: 'rotation-paused', facts: {} }, false],
    ['auto-rotation-failed', { kind: 'rotation-done', facts: { scheduled: true } }, false],
  ])('by the condition %s for %j: %s', (condition, changes, fits) => {
    expect(CONDITIONS[condition]({ ...notice, ...changes })).toBe(fits)
  })
})

it('every kind and every condition stands in docs/telling.md with what it means', () => {
  const [, tables = ''] = /<!-- kinds -->([^]*?)<!-- end -->/.exec(readFileSync('docs/telling.md', 'utf8')) ?? []
  const rows = [...tables.matchAll(/^\| `([\w-]+)` \| (.*) \|$/gm)].map(([, name, means]) => [name, means])
  expect(rows).toEqual([...Object.entries(KINDS), ...Object.entries(CONDITION_MEANS)])
})
