import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { TestModule } from 'vitest/node'
import postgres from '../src/connectors/postgres/manifest.ts'
import type { Claim } from '../test/systems/claims.ts'
import ClaimsReporter, { readClaims } from '../test/systems/reporter.ts'
import { provenRows } from './gen/proven.ts'
import { afterRun, lostOf, newOf, provenFile } from './systems/proven.ts'

const claim = (on: string, more: Partial<Claim> = {}): Claim => ({ connector: 'redis', as: 'issuer', on, ...more })

describe('what is proven', () => {
  it('is what the newest run has proven, and of other systems what was proven before', () => {
    const before = [claim('Redis 7.0.14'), claim('NATS 2.15.2', { connector: 'nats' })]
    const now = afterRun(before, { proven: [claim('Redis 7.0.15')], failed: [] }, false)
    expect(now).toEqual([claim('NATS 2.15.2', { connector: 'nats' }), claim('Redis 7.0.15')])
    expect([lostOf(before, now), newOf(before, now)]).toEqual([[], []])
  })

  it('is no longer what failed, in whichever run of the lane', () => {
    const before = [claim('Redis 7.0.15')]
    const now = afterRun(before, { proven: [claim('Redis 7.0.15')], failed: [claim('Redis 7.0.15')] }, false)
    expect(now).toEqual([])
    expect(lostOf(before, now)).toEqual(before)
  })

  it('is nothing that no run of all systems proves', () => {
    const before = [claim('fake'), claim('Redis 7.0.15', { strategy: 'alternate' })]
    const now = afterRun(before, { proven: [claim('fake')], failed: [] }, true)
    expect(now).toEqual([claim('fake')])
    expect(lostOf(before, now)).toEqual([before[1]])
    expect(newOf([], now)).toEqual(now)
  })

  it('stands in a file with a line for each', () => {
    expect(provenFile([claim('fake'), claim('fake', { as: 'check' })]).split('\n')).toHaveLength(5)
    expect(JSON.parse(provenFile([claim('fake')]))).toEqual([claim('fake')])
  })

  it('is shown for each ability of a connector, with a dash where there is no proof', () => {
    const rows = provenRows(postgres, [claim('PostgreSQL 18.4', { connector: 'postgres', strategy: 'alternate' }), claim('PostgreSQL 15.9', { connector: 'postgres', as: 'load', strategy: 'alternate' })])
    expect(rows).toContainEqual(['`postgres`', 'issuer, `alternate`', 'PostgreSQL 18.4'])
    expect(rows).toContainEqual(['`postgres`', 'issuer, `in-place`', '-'])
    expect(rows).toContainEqual(['`postgres`', 'rotation under load, `alternate`', 'PostgreSQL 15.9'])
  })
})

describe('the reporter of claims', () => {
  const run = (tests: readonly (readonly [claims: readonly Claim[] | undefined, state: string])[]): TestModule[] => [{
    children: { allTests: () => tests.map(([claims, state]) => ({ meta: () => (claims === undefined ? {} : { claims }), result: () => ({ state }) })) },
  } as unknown as TestModule]

  it('believes a claim only when every test of it has passed, and adds run to run', () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyturn-claims-'))
    const file = join(folder, 'claims.json')
    process.env['KEYTURN_CLAIMS'] = file
    onTestFinished(() => {
      delete process.env['KEYTURN_CLAIMS']
      rmSync(folder, { recursive: true })
    })
    const reporter = new ClaimsReporter()
    reporter.onTestRunEnd(run([[[claim('fake')], 'passed'], [[claim('fake')], 'passed'], [undefined, 'failed'], [[claim('Redis 7.0.15')], 'passed'], [[claim('Redis 7.0.15')], 'failed']]))
    reporter.onTestRunEnd(run([[[claim('fake', { as: 'store' })], 'skipped'], [[claim('fake', { as: 'check' })], 'passed']]))
    expect(readClaims(file)).toEqual({ proven: [claim('fake'), claim('fake', { as: 'check' })], failed: [claim('Redis 7.0.15'), claim('fake', { as: 'store' })] })
  })
})
