import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Answer } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { checkSuite, type CheckWorld } from '../../testing/check.ts'
import { valueOf } from '../../testing/consumer.ts'
import { type FakePrometheus, type FakeSeries, startPrometheus } from './fake.ts'
import { openCheck } from './index.ts'
import { checkSchema } from './manifest.ts'

const hostOf = (resolve = async (text: string) => new Secret(text)): Host => ({ base: '/', now: () => Date.now(), resolve, conceal: () => undefined })
const open = (config: object): Check => openCheck(checkSchema.parse(config), hostOf())
const series = (value: string, instance = 'a', age?: number): FakeSeries => ({ labels: { __name__: 'errors_total', instance }, value, ...(age === undefined ? {} : { age }) })

async function plainWorld(): Promise<CheckWorld> {
  const server = await startPrometheus()
  const shown = generate(ALNUM, 32)
  server.series = [series('3', shown)]
  const config = { url: server.url, query: 'errors_total' }
  return {
    check: open({ ...config, expect: { below: 5 } }),
    wrong: open({ ...config, expect: { below: 3 } }),
    shown: [shown],
    break: async (fault) => {
      if (fault === 'gone') await server.close()
      else server.fault = fault
    },
    close: server.close,
  }
}

async function comparingWorld(): Promise<CheckWorld> {
  const server = await startPrometheus()
  const shown = generate(ALNUM, 32)
  server.series = [series('3', shown), series('7', 'b')]
  const config = { url: server.url, query: 'errors_total' }
  return {
    check: open({ ...config, expect: { atMostMore: 0 } }),
    wrong: open({ ...config, expect: { atMostMore: 0, above: 3 } }),
    shown: [shown],
    worsen: () => {
      server.series = [series('4', shown), series('7', 'b')]
    },
    break: async (fault) => {
      if (fault === 'gone') await server.close()
      else server.fault = fault
    },
    close: server.close,
  }
}

checkSuite(proving({ connector: 'prometheus', as: 'check', on: 'fake' }), 'prometheus', plainWorld)
checkSuite(proving({ connector: 'prometheus', as: 'check', on: 'fake' }), 'prometheus against the time before', comparingWorld)

describe('a prometheus check', () => {
  let server: FakePrometheus
  beforeEach(async () => {
    server = await startPrometheus()
  })
  afterEach(() => server.close())
  const seen = (answer: Answer<CheckResult>): string => {
    if (answer.is !== 'done') return answer.is === 'ask' ? 'ask' : `${answer.is} ${answer.code}`
    const { verdict, evidence } = answer.value
    return [verdict, evidence['unmet'] ?? evidence['cause'] ?? evidence['errorType']].filter((word) => word !== undefined).join(' ')
  }
  const config = (more: object): object => ({ url: server.url, query: 'errors_total', ...more })
  const look = async (more: object): Promise<string> => seen(await open(config(more)).run(callWithin(10_000)))

  it('compares the value exactly', async () => {
    server.series = [series('5')]
    const cases: readonly (readonly [object, string])[] = [
      [{ equals: 5 }, 'pass'], [{ equals: 4 }, 'fail equals'], [{ below: 5 }, 'fail below'], [{ below: 5.1 }, 'pass'], [{ above: 5 }, 'fail above'],
      [{ above: 4 }, 'pass'], [{ atMost: 5 }, 'pass'], [{ atMost: 4 }, 'fail atMost'], [{ atLeast: 5 }, 'pass'], [{ atLeast: 6 }, 'fail atLeast'],
      [{ above: 1, below: 4 }, 'fail below'],
    ]
    for (const [expected, says] of cases) expect(await look({ expect: expected }), JSON.stringify(expected)).toBe(says)
    server.gives = 'scalar'
    for (const [expected, says] of cases) expect(await look({ expect: expected }), JSON.stringify(expected)).toBe(says)
  })

  it('looks at all series, at any, or at their sum', async () => {
    server.series = [series('1', 'a'), series('2', 'b')]
    expect(await look({ expect: { below: 2 } })).toBe('fail below')
    expect(await look({ series: 'any', expect: { below: 2 } })).toBe('pass')
    expect(await look({ series: 'any', expect: { below: 1 } })).toBe('fail below')
    expect(await look({ series: 'sum', expect: { equals: 3 } })).toBe('pass')
    const { evidence } = valueOf(await open(config({ expect: { below: 9 } })).run(callWithin(10_000)))
    expect(evidence).toEqual({ series: 2, min: 1, max: 2 })
  })

  it('takes no data for no answer, unless it is said what it means', async () => {
    const expected = { expect: { atMost: 0 } }
    expect(await look(expected)).toBe('inconclusive empty')
    expect(await look({ ...expected, empty: 'pass' })).toBe('pass')
    expect(await look({ ...expected, empty: 'fail' })).toBe('fail empty')
    expect(await look({ ...expected, series: 'sum' })).toBe('inconclusive empty')
    server.series = [series('NaN')]
    expect(await look(expected)).toBe('inconclusive empty')
    server.series = [series('NaN'), series('0', 'b')]
    expect(await look(expected)).toBe('inconclusive nan')
    expect(await look({ ...expected, empty: 'pass' })).toBe('pass')
    expect(await look({ ...expected, empty: 'fail' })).toBe('fail nan')
    expect(await look({ ...expected, series: 'any' })).toBe('pass')
    expect(await look({ ...expected, series: 'sum' })).toBe('inconclusive nan')
    server.series = [series('NaN'), series('1', 'b')]
    expect(await look(expected)).toBe('fail atMost')
    expect(await look({ ...expected, series: 'any' })).toBe('inconclusive nan')
    server.series = [series('+Inf'), series('-Inf', 'b')]
    expect(await look(expected)).toBe('fail atMost')
    expect(valueOf(await open(config(expected)).run(callWithin(10_000))).evidence).toMatchObject({ min: '-Inf', max: '+Inf' })
  })

  it('is not sure of anything that is no answer to the query', async () => {
    server.series = [series('0')]
    const expected = { expect: { atMost: 0 } }
    const says = { timeout: 'inconclusive timeout', execution: 'inconclusive execution', page: 'inconclusive no-answer', half: 'inconclusive UNREACHABLE', bad: 'refused MANIFEST_INVALID' } as const
    for (const [fault, word] of Object.entries(says) as [keyof typeof says, string][]) {
      server.fault = fault
      expect(await look(expected), fault).toBe(word)
    }
    server.fault = 'none'
    for (const gives of ['matrix', 'string', 'histogram'] as const) {
      server.gives = gives
      expect(await look(expected), gives).toBe('refused MANIFEST_INVALID')
    }
    server.gives = 'vector'
    server.warnings = ['could not reach one store']
    expect(await look(expected)).toBe('inconclusive')
    expect(await look({ ...expected, warnings: 'ignore' })).toBe('pass')
    expect(await look({ ...expected, url: `${server.url}/elsewhere` })).toBe('inconclusive no-answer')
    server.series = Array.from({ length: 20_000 }, (_, index) => series('0', `an instance with a name that is long ${index}`))
    expect(await look(expected)).toBe('inconclusive length')
  })

  it('allows no rise since preflight, series by series (S2-14, K-19)', async () => {
    const through = async (expected: object, before: readonly FakeSeries[], after: readonly FakeSeries[], more: object = {}): Promise<string> => {
      const check = open(config({ expect: expected, ...more }))
      server.series = before
      const first = valueOf(await check.run(callWithin(10_000)))
      server.series = after
      return seen(await check.run(callWithin(10_000), undefined, { at: Date.now(), before: first.evidence }))
    }
    const none = { atMostMore: 0 }
    expect(await through(none, [series('3'), series('9', 'b')], [series('3'), series('9', 'b')])).toBe('pass')
    expect(await through(none, [series('3'), series('9', 'b')], [series('4'), series('8', 'b')])).toBe('fail atMostMore')
    expect(await through({ atMostMore: 1 }, [series('3')], [series('4')])).toBe('pass')
    expect(await through({ atMostMore: 1 }, [series('3'), series('9', 'b')], [series('4'), series('10', 'b')], { series: 'sum' })).toBe('fail atMostMore')
    // A consumer that was started again counts from 0, and one with a new name too: its errors are all new (C-28).
    expect(await through(none, [series('100')], [series('2')])).toBe('fail atMostMore')
    expect(await through(none, [series('100')], [series('0')])).toBe('pass')
    expect(await through(none, [series('100')], [series('2', 'pod-2')])).toBe('fail atMostMore')
    expect(await through({ ...none, counter: false }, [series('100')], [series('50')])).toBe('pass')
    expect(await through({ ...none, counter: false }, [series('100')], [series('101')])).toBe('fail atMostMore')
    expect(await through(none, [], [series('1')], { empty: 'pass' })).toBe('fail atMostMore')
    expect(await through(none, [], [], { empty: 'pass' })).toBe('pass')
  })

  it('keeps at most 50 series to compare with, and says before anything is changed that they are more', async () => {
    const many = (count: number): FakeSeries[] => Array.from({ length: count }, (_, index) => series('1', String(index)))
    server.series = many(50)
    expect(await look({ expect: { atMostMore: 0 } })).toBe('pass')
    server.series = many(51)
    expect(await look({ expect: { atMostMore: 0 } })).toBe('inconclusive too-many-series')
    expect(await look({ expect: { below: 2 } })).toBe('pass')
  })

  it('asks over the time since the change', async () => {
    server.series = [series('0')]
    const check = open(config({ query: 'sum(increase(errors_total[{since}]))', expect: { equals: 0 }, before: '2m' }))
    await check.run(callWithin(10_000))
    await check.run(callWithin(10_000), undefined, { at: Date.now() - 89_500, before: {} })
    await check.run(callWithin(10_000), undefined, { at: Date.now() + 1_000, before: {} })
    expect(server.received.map(({ parameters }) => parameters['query'])).toEqual(['120s', '90s', '1s'].map((length) => `sum(increase(errors_total[${length}]))`))
    expect(server.received[0]?.parameters['timeout']).toBe('10000ms')
  })

  it('waits for samples that are fresh, and of after the change, whatever the clock of the server', async () => {
    const fresh = { expect: { atMost: 0 }, fresh: '30s' }
    const after = async (ago: number, more: object = {}): Promise<string> => seen(await open(config({ ...fresh, ...more })).run(callWithin(10_000), undefined, { at: Date.now() - ago, before: {} }))
    for (const ahead of [0, 3_600_000, -3_600_000]) {
      server.ahead = ahead
      server.series = [series('0', 'a', 1_000), series('0', 'b', 20_000)]
      expect(await look(fresh)).toBe('pass')
      expect(await after(25_000)).toBe('pass')
      expect(await after(15_000)).toBe('inconclusive stale')
      server.series = [series('0', 'a', 1_000), series('0', 'b', 31_000)]
      expect(await look(fresh)).toBe('inconclusive stale')
      expect(await after(60_000)).toBe('inconclusive stale')
    }
    server.series = []
    expect(await look({ ...fresh, empty: 'pass' })).toBe('inconclusive no-samples')
    server.series = [series('0', 'a', 1_000)]
    expect(await after(5_000, { query: 'sum(errors_total)', fresh: { of: 'errors_total{job="x"}', within: '30s' } })).toBe('pass')
    expect(server.received.map(({ parameters }) => parameters['query']).slice(-2)).toEqual(['timestamp(errors_total{job="x"})', 'sum(errors_total)'])
  })

  it('is let in by a token or a password, which it shows to nobody else (I11)', async () => {
    server.series = [series('0')]
    const value = generate(ALNUM, 32)
    server.accepts.add(`Bearer ${value}`).add(`Basic ${Buffer.from(`reader:${value}`).toString('base64')}`)
    const resolving = hostOf(async (text) => new Secret(text.replace('${env:P}', value)))
    const ways = [{ auth: { bearer: '${env:P}' } }, { auth: { basic: { user: 'reader', password: '${env:P}' } } }]
    for (const way of ways) {
      const answer = await openCheck(checkSchema.parse(config({ ...way, expect: { atMost: 0 }, headers: { 'X-Scope-OrgID': 'atlas' } })), resolving).run(callWithin(10_000))
      expect(seen(answer)).toBe('pass')
      expect(JSON.stringify(answer)).not.toContain(value)
    }
    expect(server.received.at(-1)?.headers).toMatchObject({ 'x-scope-orgid': 'atlas' })
    expect(JSON.stringify(server.received.map(({ parameters }) => parameters))).not.toContain(value)
    const denied = await open(config({ auth: { bearer: generate(ALNUM, 32) }, expect: { atMost: 0 } })).run(callWithin(10_000))
    expect(valueOf(denied)).toEqual({ verdict: 'inconclusive', evidence: { status: 401, cause: 'no-answer' } })
  })
})

describe('the configuration of prometheus', () => {
  const parses = (more: object): boolean => checkSchema.safeParse({ url: 'http://127.0.0.1:9090', query: 'up', expect: { equals: 1 }, ...more }).success

  it('expects something', () => {
    expect(parses({})).toBe(true)
    expect(parses({ expect: {} })).toBe(false)
    expect(parses({ expect: { counter: false } })).toBe(false)
  })

  it('takes freshness of a metric only, whose samples have times', () => {
    for (const query of ['up', 'up{job="x"}', '{__name__="up"}', 'a:b:rate5m{path=~"/v{1,2}/.*",x!=\'}\'}']) expect(parses({ query, fresh: '30s' }), query).toBe(true)
    for (const query of ['sum(up)', 'up + up', 'up[5m]', 'rate(up[5m])', '1', 'up{a="}']) expect(parses({ query, fresh: '30s' }), query).toBe(false)
    expect(parses({ query: 'sum(up)', fresh: { of: 'up', within: '30s' } })).toBe(true)
    expect(parses({ query: 'sum(up)', fresh: { of: 'sum(up)', within: '30s' } })).toBe(false)
  })

  it('holds no secret in the URL or in a header', () => {
    expect(parses({ url: 'http://user:pass@127.0.0.1:9090' })).toBe(false)
    expect(parses({ headers: { Authorization: '${env:X}' } })).toBe(false)
  })
})
