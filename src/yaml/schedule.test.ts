import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { registry } from '../connectors.gen.ts'
import { parseManifest } from './load.ts'

const DAY = 86_400_000

const load = (schedule: string, secret = '', every = '90d') => parseManifest(`version: 1
system: atlas
${schedule}
secrets:
  other:
    issuer: { use: random, name: other, format: hex }
    stores: [{ use: file, file: other.key, format: whole, bind: { content: "{value}" } }]
  session:
    every: ${every}
${secret}
    issuer: { use: random, name: session, format: hex }
    stores: [{ use: file, file: session.key, format: whole, bind: { content: "{value}" } }]
`, 'keyturn.yaml', { registry })

describe('the schedule of a manifest', () => {
  it('is absent unless it is written, and complete when it is', async () => {
    expect((await load('')).schedule).toBeUndefined()
    expect((await load('schedule: {}')).schedule).toEqual({ zone: 'UTC', windows: [], freezes: [], jitter: 0, serial: false, retry: DAY })
  })

  it('reads the example of the documentation', async () => {
    const text = /```yaml\n([^]*?)```/.exec(readFileSync('docs/schedule.md', 'utf8'))?.[1] ?? ''
    const { schedule, secrets } = await parseManifest(text, 'keyturn.yaml', { registry })
    expect(schedule).toEqual({
      zone: 'Europe/Berlin', windows: [{ days: ['tue', 'wed', 'thu'], from: '02:00', to: '05:00' }], freezes: [{ from: '2026-12-18', to: '2027-01-03', reason: 'year end' }],
      jitter: DAY / 2, serial: true, after: 'staging', retry: DAY,
    })
    expect(secrets['database']).toMatchObject({ every: '0 3 1 * *', schedule: { apart: { from: ['session'], by: DAY } } })
    expect(secrets['session']).toMatchObject({ every: 'quarterly', on: ['database'] })
  })

  it.each([
    ['schedule: { zone: Europe/Berlln }', '', '90d', '3:19 there is no such time zone; write `Europe/Berlin` (did you mean that?)'],
    ['schedule: { freezes: [{ from: 2026-12-20, to: 2026-12-01, reason: none }] }', '', '90d', '3:47 the freeze ends before it begins; write a day from 2026-12-20 on'],
    ['schedule: { windows: [{ from: "25:00", to: "03:00" }] }', '', '90d', '3:31 `from` does not fit; write a time of the day such as `02:30`'],
    ['', '    schedule: { apart: { from: [othr] } }', '90d', '10:33 this is no other secret; write `other`'],
    ['', '', '"0 3 31 2 *"', '9:12 it never comes round; write minute, hour, day of the month, month, day of the week, such as `0 3 1 * *`'],
    ['defaults: { every: "0 99 * * *" }', '', '90d', '3:20 it is no cron expression; write minute, hour, day of the month, month, day of the week, such as `0 3 1 * *`'],
  ])('%s %s %s: %s', async (schedule, secret, every, problem) => {
    await expect(load(schedule, secret, every)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', about: expect.stringContaining(`keyturn.yaml:${problem}`) })
  })
})
