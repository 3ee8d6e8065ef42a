import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type Login, pretend, type PretendCheck, type PretendConsumer, type PretendIssuer, pretendManifest, pretendRegistry, pretendSecret, pretendStore,
} from '../../test/fixture/pretend.ts'
import { freshState } from '../../test/fixture/state.ts'
import { done, refused, Secret, unknown } from '../kit/index.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Redactor } from '../redact/redact.ts'
import type { CheckSpec, SecretSpec } from '../manifest/model.ts'
import { secretKey } from '../state/ledger.ts'
import { fingerprintOf } from '../steps/values.ts'
import type { Found } from './finding.ts'
import { lookUntil } from './look.ts'
import { examineSecret, type Known } from './secret.ts'

const password = generate(ALNUM, 24)
const other = generate(ALNUM, 24)

/** Every finding of a secret; none of them may show a value. */
async function examined(secret: SecretSpec, known: Partial<Known> = {}, redactor = new Redactor()): Promise<Found[]> {
  const conceal = (value: Secret): void => redactor.conceal(value)
  const planner = { registry: pretendRegistry, now: Date.now, sleep: async () => undefined, host: (base: string) => ({ base, now: Date.now, resolve: () => Promise.reject(new Error('no reference')), conceal }) }
  const surgery = { planner, manifest: pretendManifest('/nowhere', { database: secret }), look: lookUntil(new AbortController().signal, Date.now) }
  const found = await examineSecret(surgery, { ...secret, name: 'database' }, { ledger: [], ...known })
  expect(JSON.stringify(found)).not.toContain(password)
  expect(JSON.stringify(found)).not.toContain(other)
  return found
}

const notOk = (found: readonly Found[]): [string, string, string | undefined][] => found.filter(({ verdict }) => verdict !== 'ok').map(({ area, verdict, code }) => [area, verdict, code])

const check = (config: PretendCheck, as?: 'new'): CheckSpec => ({ ...pretend(config), within: 1_000, ...(as === undefined ? {} : { as }) })
const consumer = (config: PretendConsumer) => ({ waves: [[pretend(config)]] })
const secretWith = (part: Partial<SecretSpec>, issuer?: PretendIssuer, logins?: Login[]) => pretendSecret(password, part, issuer, logins)

describe('a secret of which all is well', () => {
  it('has been looked at from every side, and only with its own value or a wrong one', async () => {
    const logins: Login[] = []
    const found = await examined(secretWith({ checks: [check({}), check({ takes: password }, 'new')], stores: [pretendStore(password), pretendStore(password)] }, {}, logins))
    expect(notOk(found)).toEqual([])
    expect(new Set(found.map(({ area }) => area))).toEqual(new Set(['store', 'issuer', 'clock', 'consumer', 'check']))
    expect(found.map(({ says }) => says)).toEqual(expect.arrayContaining(['hold the same value', 'accepts the value in the stores', 'proves that it holds the value in the stores', 'fails with a wrong credential, as it has to']))
    expect(logins).toEqual([{ endpoint: 'primary', password }])
  })

  it('has its value masked from then on', async () => {
    const redactor = new Redactor()
    await examined(secretWith({}), {}, redactor)
    expect(redactor.holds(password)).toBe(true)
  })
})

describe('what is wrong with a secret', () => {
  it.each<[string, SecretSpec, [string, string, string]]>([
    ['stores that differ (K-26)', secretWith({ stores: [pretendStore(password), pretendStore(other)] }), ['store', 'problem', 'STORE_DRIFT']],
    ['a store that cannot be read', secretWith({ stores: [pretendStore(password, { read: async () => refused('STORE_DENIED', 'pretend store') })] }), ['store', 'problem', 'STORE_DENIED']],
    ['a store that is no safe place (K-22)', secretWith({ stores: [pretendStore(password, { preflight: async () => refused('STORE_UNSAFE', 'pretend store') })] }), ['store', 'problem', 'STORE_UNSAFE']],
    ['a store with something to know', secretWith({ stores: [pretendStore(password, { preflight: async () => done({ notices: ['others may read it'] }) })] }), ['store', 'warning', 'NOTICE']],
    ['a store whose readers could not read the next value', secretWith({ stores: [pretendStore(password, { accepts: () => refused('VALUE_UNREADABLE', 'DSN for sh') })] }), ['store', 'problem', 'VALUE_UNREADABLE']],
    ['an admin without the rights', secretWith({}, { preflight: async () => refused('RIGHTS_MISSING', 'admin lacks CREATEROLE') }), ['issuer', 'problem', 'RIGHTS_MISSING']],
    ['an issuer with something to know', secretWith({}, { preflight: async () => done({ evidence: {}, fenced: false, notices: ['unfenced'] }) }), ['issuer', 'warning', 'NOTICE']],
    ['a value that its issuer rejects', secretWith({}, { accepts: other }), ['issuer', 'problem', 'CREDENTIAL_REJECTED']],
    ['an endpoint without a verdict', secretWith({}, { probe: async () => done({ verdict: 'inconclusive', code: '53300' }) }), ['issuer', 'warning', 'UNREACHABLE']],
    ['an issuer whose clock is ahead', secretWith({}, { observe: async () => done({ known: [], complete: true, seenUpTo: 0, clock: Date.now() + 62_000 }) }), ['clock', 'problem', 'CLOCK_WRONG']],
    ['an issuer whose clock is behind', secretWith({}, { observe: async () => done({ known: [], complete: true, seenUpTo: 0, clock: Date.now() - 62_000 }) }), ['clock', 'problem', 'CLOCK_WRONG']],
    ['a consumer that is not there', secretWith(consumer({ instances: async () => done({ all: [], complete: true }) })), ['consumer', 'problem', 'CONSUMER_MISSING']],
    ['a consumer that is not ready', secretWith(consumer({ instances: async () => done({ all: [{ id: '1', name: 'app-1', ready: false }], complete: true }) })), ['consumer', 'problem', 'CONSUMER_UNREADY']],
    ['a consumer that holds another value than the stores (K-26)', secretWith(consumer({ attest: async () => done({ holds: 'neither', by: 'challenge', evidence: {} }) })), ['consumer', 'problem', 'CONSUMER_STALE']],
    ['a consumer of which that can only be inferred', secretWith(consumer({ attest: async () => done({ holds: 'new', by: 'inferred', evidence: {} }) })), ['consumer', 'warning', 'NOTICE']],
    ['a consumer that could not be reloaded', secretWith(consumer({ preflight: async () => refused('RIGHTS_MISSING', 'to signal app-1') })), ['consumer', 'problem', 'RIGHTS_MISSING']],
    ['nobody who would be told', secretWith({ waves: [] }), ['consumer', 'warning', 'NOTICE']],
    ['a check that is red (K-01)', secretWith({ checks: [check({ run: async () => done({ verdict: 'fail', evidence: { exit: 3 } }) })] }), ['check', 'problem', 'PRECONDITION_FAILED']],
    ['a check that cannot fail (I12, C-05)', secretWith({ checks: [check({ traits: { takesCredential: true } }, 'new')] }), ['check', 'problem', 'CHECK_CANNOT_FAIL']],
    ['a check that gives a wrong credential no verdict', secretWith({ checks: [check({ run: async (_, as) => done({ verdict: as?.fields['password']?.reveal() === password ? 'pass' : 'inconclusive', evidence: {} }) }, 'new')] }), ['check', 'problem', 'PRECONDITION_FAILED']],
    ['a connector that throws', secretWith(consumer({ instances: () => { throw new RangeError(`quotes ${password}`) } })), ['consumer', 'problem', 'INTERNAL']],
  ])('%s is found, and nothing else is', async (_, secret, expected) => {
    const found = await examined(secret)
    expect(notOk(found)).toEqual([expected])
    const wrong = found.find(({ verdict }) => verdict !== 'ok')
    expect(wrong?.says).not.toBe('')
    expect(wrong?.hint).toMatch(/\w/)
  })

  it('is all told at once: what fails keeps nothing else from being looked at', async () => {
    const found = await examined(secretWith({
      stores: [pretendStore(password, { preflight: async () => refused('STORE_UNSAFE', 'pretend store') })],
      checks: [check({ run: async () => unknown('DEADLINE') })],
      ...consumer({ attest: async () => done({ holds: 'old', by: 'challenge', evidence: {} }) }),
    }, { preflight: async () => refused('RIGHTS_MISSING'), observe: async () => done({ known: [], complete: true, seenUpTo: 0, clock: 0 }) }))
    expect(notOk(found).map(([, , code]) => code)).toEqual(['STORE_UNSAFE', 'CLOCK_WRONG', 'RIGHTS_MISSING', 'CONSUMER_STALE', 'DEADLINE'])
  })

  it('is an issuer that cannot be reached: told once, and the rest is looked at', async () => {
    const gone = async () => unknown('UNREACHABLE', 'db:5432')
    const found = await examined(secretWith({}, { observe: gone, preflight: gone, probe: gone }))
    expect(notOk(found)).toEqual([['issuer', 'problem', 'UNREACHABLE']])
    expect(found.map(({ says }) => says)).toContain('proves that it holds the value in the stores')
  })

  it('is an open rotation no drift: then old and new are side by side', async () => {
    const logins: Login[] = []
    const drifting = secretWith({ stores: [pretendStore(password), pretendStore(other)], checks: [check({ traits: { takesCredential: true } }, 'new')] }, { preflight: async () => refused('PRINCIPAL_IN_USE') }, logins)
    const found = await examined(drifting, { open: 'database-1' })
    expect(notOk(found)).toEqual([])
    expect(found.map(({ says }) => says)).toContain('its rights and values are not judged while database-1 is open')
    expect(logins).toEqual([])
  })
})

describe('the ledger', () => {
  it('knows the value in the stores by its keyed fingerprint, has never seen it, or nothing at all', async () => {
    const { identity } = await freshState()
    if (identity === undefined) throw new Error('a fresh state has its identity')
    const print = (value: string): string => fingerprintOf(identity, secretKey('atlas', 'staging', 'database'), { id: 'app', fields: { user: new Secret('app'), password: new Secret(value) } }, new Set(['user']))
    const row = (value: string, state = 'presented') => ({ id: 1, secret_key: 'atlas/staging/database', provider_id: 'app', fingerprint: print(value), state, rotation: 'one', at: 1 })
    const said = async (ledger: Known['ledger']) => (await examined(secretWith({}), { identity, ledger })).find(({ area }) => area === 'ledger')
    expect(await said([])).toMatchObject({ verdict: 'ok', says: expect.stringContaining('first rotation') })
    expect(await said([row(other), row(password)])).toMatchObject({ verdict: 'ok', says: expect.stringContaining(print(password)) })
    expect(await said([row(other)])).toMatchObject({ verdict: 'problem', code: 'STATE_STALE', hint: expect.stringContaining('keyturn adopt database') })
    expect(await said([row(password, 'gone')])).toMatchObject({ verdict: 'problem', code: 'STATE_STALE' })
    expect((await examined(secretWith({}), { ledger: [row(password)] })).filter(({ area }) => area === 'ledger')).toEqual([])
  })
})

describe('wrong logins', () => {
  it.each([
    ['none lock the account', undefined, 2, 2],
    ['ten would', 10, 2, 2],
    ['the second check would come too near', 8, 1, 2],
    ['five would', 5, 0, 2],
  ])('are counted: %s (%s), so %i of %i checks are tried (I12)', async (_, lockout, tried, of) => {
    let wrong = 0
    const counting: PretendCheck['run'] = async (_call, as) => {
      const right = as?.fields['password']?.reveal() === password
      if (!right) wrong += 1
      return done({ verdict: right ? 'pass' : 'inconclusive', evidence: {} })
    }
    const checks = Array.from({ length: of }, () => check({ run: counting }, 'new'))
    const found = await examined(secretWith({ checks }, lockout === undefined ? {} : { traits: { lockout } }))
    expect(wrong).toBe(tried * 3)
    if (lockout !== undefined) expect(wrong + 1).toBeLessThan(lockout - 1)
    expect(found.filter(({ code }) => code === 'NOTICE')).toHaveLength(of - tried)
    expect(found.filter(({ area, says }) => area === 'check' && says === 'passes')).toHaveLength(of)
  })
})

describe('a connector that never answers', () => {
  afterEach(() => { vi.useRealTimers() })

  it('has its deadline, and is a finding like others', async () => {
    vi.useFakeTimers()
    const examining = examined(secretWith(consumer({ instances: () => new Promise(() => undefined) })))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(notOk(await examining)).toEqual([['consumer', 'problem', 'DEADLINE']])
  })
})
