import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Notice } from '../../kit/notifier.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type NotifierWorld, notifierSuite } from '../../testing/notifier.ts'
import { type PagerDuty, startPagerDuty } from './fake.ts'
import { openNotifier } from './index.ts'
import { notifierSchema } from './manifest.ts'

const notice: Notice = { id: 'n-1', kind: 'rotation-paused', severity: 'critical', trouble: 'begun', title: 'it stands still', facts: { code: 'STORE_FULL' }, system: 'atlas', environment: 'production', secret: 'database', rotation: 'r-1', at: Date.UTC(2026, 0, 1) }
const KEY = 'keyturn/atlas/production/database'

const hostOf = (key?: string): Host => ({
  base: '/',
  now: Date.now,
  resolve: async (text) => {
    if (key === undefined) throw new KeyturnError('REFERENCE_UNRESOLVED', text)
    return new Secret(key)
  },
  conceal: () => undefined,
})

const open = ({ url }: PagerDuty, key?: string, more: object = {}) => openNotifier(notifierSchema.parse({ key: '${env:PAGER}', url, ...more }), hostOf(key))

async function makeWorld(): Promise<NotifierWorld> {
  const pagerduty = await startPagerDuty()
  return {
    notifier: open(pagerduty, pagerduty.key),
    // An alert counts its events; what one event is told by stands in its details.
    received: () => pagerduty.events.map((event) => ({ id: (event['payload'] as { custom_details: { notice: string } }).custom_details.notice, text: JSON.stringify(event) })),
    secrets: [new Secret(pagerduty.key)],
    break: async (fault) => {
      if (fault === 'gone') await pagerduty.close()
      else pagerduty.fault = fault
    },
    close: () => pagerduty.close(),
  }
}

notifierSuite(proving({ connector: 'pagerduty', as: 'notifier', on: 'fake' }), 'pagerduty', makeWorld)

describe('a notice to PagerDuty (N-01, N-02)', () => {
  const start = async (): Promise<PagerDuty> => {
    const pagerduty = await startPagerDuty()
    onTestFinished(() => pagerduty.close())
    return pagerduty
  }

  it('opens an alert of its secret, acknowledges it when somebody has it go on, and ends it when it is done', async () => {
    const pagerduty = await start()
    const notifier = open(pagerduty, pagerduty.key)
    const statuses: unknown[] = []
    const steps: readonly Partial<Notice>[] = [{}, { id: 'n-2', kind: 'rotation-resumed', severity: 'info', trouble: 'taken' }, { id: 'n-3', kind: 'rotation-done', severity: 'info', trouble: 'over', rotation: 'r-2' }]
    for (const step of steps) {
      expect((await notifier.notify({ ...notice, ...step }, callWithin(5_000))).is).toBe('done')
      statuses.push(pagerduty.alerts().get(KEY)?.status)
    }
    expect(statuses).toEqual(['triggered', 'acknowledged', 'resolved'])
    expect([...pagerduty.alerts().values()]).toMatchObject([{ severity: 'critical', summary: 'atlas (production): it stands still' }])
  })

  it('that comes twice is one alert', async () => {
    const pagerduty = await start()
    for (let time = 0; time < 2; time += 1) await open(pagerduty, pagerduty.key).notify(notice, callWithin(5_000))
    expect([...pagerduty.alerts()]).toMatchObject([[KEY, { status: 'triggered', events: 2 }]])
  })

  it('pages nobody for news: what is less severe than wanted opens nothing', async () => {
    const pagerduty = await start()
    const { trouble: _, ...news } = { ...notice, severity: 'info' } as const
    expect((await open(pagerduty, pagerduty.key).notify(news, callWithin(5_000))).is).toBe('done')
    expect(pagerduty.events).toEqual([])
    await open(pagerduty, pagerduty.key, { least: 'info' }).notify(news, callWithin(5_000))
    expect(pagerduty.events).toHaveLength(1)
  })

  it('has a link to what to do, and keys and summaries that are never too long', async () => {
    const pagerduty = await start()
    const long = { ...notice, title: 'x'.repeat(5_000), secret: 'y'.repeat(300), advice: { actions: ['Look.'], contacts: [], link: 'https://runbooks.example/1' } }
    expect((await open(pagerduty, pagerduty.key).notify(long, callWithin(5_000))).is).toBe('done')
    expect(pagerduty.events[0]).toMatchObject({ links: [{ href: 'https://runbooks.example/1' }], dedup_key: expect.stringMatching(/^[0-9a-f]{64}$/) as string })
  })

  it('that is refused for good (400), or for now (429), or was never sent, says which', async () => {
    const pagerduty = await start()
    const bad = await open(pagerduty, 'too-short').notify(notice, callWithin(5_000))
    expect(bad).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED' })
    expect(inspect(bad, { depth: 9 })).not.toContain('too-short')
    pagerduty.fault = 'limited'
    expect(await open(pagerduty, pagerduty.key).notify(notice, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'RATE_LIMITED' })
    expect(await open(pagerduty).notify(notice, callWithin(5_000))).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
  })
})
