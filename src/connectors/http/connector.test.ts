import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Host } from '../../kit/call.ts'
import type { Check } from '../../kit/check.ts'
import { answerChallenge } from '../../kit/challenge.ts'
import type { Presented } from '../../kit/consumer.ts'
import { jsonAt } from '../../outside/expectation.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { attestorSuite, type AttestorWorld } from '../../testing/attestor.ts'
import { callWithin } from '../../testing/call.ts'
import { type CheckFault, checkSuite, type CheckWorld } from '../../testing/check.ts'
import { valueOf } from '../../testing/consumer.ts'
import { type FakeService, startService } from './fake.ts'
import { openAttestor, openCheck } from './index.ts'
import { attestorSchema, checkSchema } from './manifest.ts'

const secret = (): Secret => new Secret(generate(ALNUM, 32))
const host: Host = { base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
const open = (config: object): Check => openCheck(checkSchema.parse(config), host)

async function breakService(service: FakeService, fault: CheckFault): Promise<void> {
  if (fault === 'gone') await service.close()
  else service.fault = fault
}

async function plainWorld(): Promise<CheckWorld> {
  const service = await startService()
  const shown = generate(ALNUM, 32)
  service.document = { mode: shown, state: 'ok' }
  const url = `${service.url}/readyz`
  return {
    check: open({ url, expect: { json: { state: 'ok' } } }),
    wrong: open({ url, expect: { json: { state: 'bad' } } }),
    shown: [shown],
    break: (fault) => breakService(service, fault),
    close: service.close,
  }
}

type Auth = 'basic' | 'bearer' | 'header'

async function credentialWorld(how: Auth): Promise<CheckWorld> {
  const service = await startService()
  const shown = generate(ALNUM, 32)
  service.document = { mode: shown }
  const text = { user: generate(ALNUM, 12), password: generate(ALNUM, 32) }
  const good: Credential = { id: 'app', fields: { user: new Secret(text.user), password: new Secret(text.password) } }
  const bad: Credential = { id: 'app', fields: { user: new Secret(text.user), password: secret() } }
  const auth = { basic: { basic: true }, bearer: { bearer: 'password' }, header: { header: 'X-API-Key', field: 'password' } }[how]
  const pair = Buffer.from(`${text.user}:${text.password}`).toString('base64')
  service.accepts.add({ basic: `Basic ${pair}`, bearer: `Bearer ${text.password}`, header: text.password }[how])
  const url = `${service.url}/private`
  return {
    check: open({ url, auth }),
    wrong: open({ url, auth, expect: { text: { equals: 'something else' } } }),
    good,
    bad,
    shown: [shown],
    break: (fault) => breakService(service, fault),
    close: service.close,
  }
}

async function streamWorld(): Promise<CheckWorld> {
  const service = await startService()
  service.pieces = ['one real', 'answer']
  const url = `${service.url}/stream`
  return {
    check: open({ url, expect: { stream: { includes: 'answer', notIncludes: 'fallback' } } }),
    wrong: open({ url, expect: { stream: { includes: 'answer', notIncludes: 'real' } } }),
    shown: ['one real'],
    break: (fault) => breakService(service, fault),
    close: service.close,
  }
}

function presented(): Presented {
  const value = secret()
  const entries = { URL: new Secret(`postgres://app:${value.reveal()}@db/app`) }
  return { fields: { user: new Secret('app'), password: value }, entries }
}

async function attestorWorld(config: object, held: (which: Presented) => Secret | undefined): Promise<AttestorWorld> {
  const service = await startService()
  const [next, old] = [presented(), presented()]
  return {
    attestor: openAttestor(attestorSchema.parse({ challenge: `${service.url}/keyturn/attest?of={name}`, ...config })),
    instance: { id: '1', name: 'web 1', ready: true },
    next,
    old,
    hold: (which) => {
      service.holds = which === 'neither' ? secret() : held(which === 'new' ? next : old)
    },
    break: (fault) => breakService(service, fault),
    close: service.close,
  }
}

checkSuite(proving({ connector: 'http', as: 'check', on: 'fake' }), 'http', plainWorld)
for (const how of ['basic', 'bearer', 'header'] as const) {
  checkSuite(proving({ connector: 'http', as: 'check', on: 'fake' }), `http ${how}`, () => credentialWorld(how))
}
checkSuite(proving({ connector: 'http', as: 'check', on: 'fake' }), 'http stream', streamWorld)
attestorSuite(proving({ connector: 'http', as: 'attestor', on: 'fake' }), 'http by field', () => attestorWorld({}, ({ fields }) => fields['password']))
attestorSuite(proving({ connector: 'http', as: 'attestor', on: 'fake' }), 'http by entry', () => attestorWorld({ entry: 'URL' }, ({ entries }) => entries['URL']))

describe('an http check', () => {
  const withService = async (body: (service: FakeService) => Promise<void>): Promise<void> => {
    const service = await startService()
    try {
      await body(service)
    } finally {
      await service.close()
    }
  }
  const look = async (service: FakeService, config: object, path = '/readyz'): Promise<unknown> => {
    const { verdict, evidence } = valueOf(await open({ url: `${service.url}${path}`, ...config }).run(callWithin(10_000)))
    return evidence['unmet'] === undefined ? verdict : `${verdict} ${evidence['unmet']}`
  }

  it('looks at a field of the answer; an absent one fails (S0-11, C-05)', () =>
    withService(async (service) => {
      service.document = { postgres: 'ok', redis: null }
      expect(await look(service, { expect: { json: { postgres: 'ok' } } })).toBe('pass')
      service.document = { postgres: 'down' }
      expect(await look(service, { expect: { json: { postgres: 'ok' } } })).toBe('fail json:postgres')
      service.document = {}
      expect(await look(service, { expect: { json: { postgres: 'ok' } } })).toBe('fail json:postgres')
      expect(await look(service, { expect: { json: { redis: null } } })).toBe('fail json:redis')
    }))

  it('fails on every status but the expected one, a redirect too (S0-22)', () =>
    withService(async (service) => {
      service.document = { mode: 'gateway' }
      const expected = { expect: { json: { mode: 'gateway' } } }
      expect(await look(service, expected)).toBe('pass')
      service.fault = 'error'
      expect(await look(service, expected)).toBe('fail status')
      expect(await look(service, { expect: { status: 500, json: { mode: 'gateway' } } })).toBe('pass')
      service.fault = 'redirect'
      expect(await look(service, expected)).toBe('fail status')
      expect(service.received.map(({ path }) => path)).not.toContain('/elsewhere')
    }))

  it('fails when what must not be there is there, or nothing is there (S0-20)', () =>
    withService(async (service) => {
      const expected = { expect: { not: { text: { includes: 'baseline' }, json: { mode: 'legacy' } } } }
      service.document = { mode: 'gateway' }
      expect(await look(service, expected)).toBe('pass')
      service.document = { mode: 'gateway', words: 'baseline' }
      expect(await look(service, expected)).toBe('fail not:includes')
      service.document = { mode: 'legacy' }
      expect(await look(service, expected)).toBe('fail not:json:mode')
      service.document = ''
      expect(await look(service, expected)).toBe('fail not:empty')
    }))

  it('compares a text exactly, but for white space at its ends', () =>
    withService(async (service) => {
      service.document = 'ok\n'
      expect(await look(service, { expect: { text: { equals: 'ok' } } })).toBe('pass')
      service.document = 'not ok'
      expect(await look(service, { expect: { text: { equals: 'ok' } } })).toBe('fail equals')
    }))

  it('judges no body that it read only half of', () =>
    withService(async (service) => {
      service.document = 'x'.repeat(2_000_000)
      expect(await look(service, { expect: { not: { text: { includes: 'y' } } } })).toBe('fail length')
    }))

  it('reads a stream until what has to come has come (S0-20)', () =>
    withService(async (service) => {
      service.pieces = ['first', 'a real answer']
      service.endless = true
      const began = Date.now()
      expect(await look(service, { expect: { stream: { includes: 'real answer' } } }, '/stream')).toBe('pass')
      expect(Date.now() - began).toBeLessThan(5_000)
    }))

  it('fails on a stream with the fallback in it, without it in time, or with nothing in it (S0-20)', () =>
    withService(async (service) => {
      service.endless = true
      service.pieces = ['first', 'the baseline fallback']
      expect(await look(service, { expect: { stream: { notIncludes: 'baseline' } } }, '/stream')).toBe('fail stream:notIncludes')
      const late = { expect: { stream: { includes: 'real answer', for: '100ms' } } }
      expect(await look(service, late, '/stream')).toBe('fail stream:includes')
      service.pieces = []
      service.endless = false
      expect(await look(service, { expect: { stream: { notIncludes: 'baseline' } } }, '/stream')).toBe('fail stream:empty')
    }))

  it('sends headers and body, and resolves their references at the moment of use', () =>
    withService(async (service) => {
      const value = generate(ALNUM, 32)
      const config = checkSchema.parse({
        url: `${service.url}/readyz?quiet=1`,
        method: 'POST',
        headers: { authorization: '${env:TOKEN}' },
        body: '{"question": 1}',
      })
      const check = openCheck(config, { ...host, resolve: async (text) => new Secret(text.replace('${env:TOKEN}', value)) })
      expect(await check.run(callWithin(10_000))).toMatchObject({ is: 'done', value: { verdict: 'pass' } })
      const headers = { authorization: value, 'content-type': 'application/json' }
      expect(service.received).toMatchObject([{ method: 'POST', body: '{"question": 1}', headers }])
      expect(check.title()).toBe(`http POST ${service.url}/readyz`)
    }))

  it('says nothing about a credential when the server has trouble of its own (I12)', () =>
    withService(async (service) => {
      service.fault = 'error'
      const check = open({ url: `${service.url}/private`, auth: { bearer: 'password' } })
      const answer = await check.run(callWithin(10_000), { id: 'app', fields: { password: secret() } })
      expect(valueOf(answer)).toMatchObject({ verdict: 'inconclusive', evidence: { status: 500 } })
    }))

  it('refuses a credential that lacks the field', () =>
    withService(async (service) => {
      const check = open({ url: `${service.url}/private`, auth: { bearer: 'token' } })
      const answer = await check.run(callWithin(10_000), { id: 'app', fields: { password: secret() } })
      expect(answer).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID' })
      expect(service.received).toEqual([])
    }))
})

describe('an http attestor', () => {
  it('asks with a fresh nonce each time and takes no answer that was heard before', async () => {
    const service = await startService()
    const [next, old] = [presented(), presented()]
    service.holds = next.fields['password']
    const attestor = openAttestor(attestorSchema.parse({ challenges: { web: `${service.url}/keyturn/attest` } }))
    const attest = () => attestor.attest({ id: '1', name: 'web', ready: true }, next, old, callWithin(10_000))
    expect(valueOf(await attest()).holds).toBe('new')
    expect(valueOf(await attest()).holds).toBe('new')
    const [first, second] = service.received.map(({ body }) => String(jsonAt(JSON.parse(body), 'nonce')))
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(first).not.toBe(second)

    // What an eavesdropper could say.
    service.holds = undefined
    const overheard = answerChallenge(next.fields['password'] ?? secret(), first ?? '')
    service.document = { answer: overheard }
    const replayed = openAttestor(attestorSchema.parse({ challenge: `${service.url}/readyz` }))
    const answer = await replayed.attest({ id: '1', name: 'web', ready: true }, next, old, callWithin(10_000))
    expect(valueOf(answer).holds).toBe('neither')
    await service.close()
  })

  it('refuses an instance without an address, and a secret without the field', async () => {
    const next = presented()
    const instance = { id: '1', name: 'web', ready: true }
    const elsewhere = openAttestor(attestorSchema.parse({ challenges: { other: 'http://127.0.0.1:1/' } }))
    const unnamed = openAttestor(attestorSchema.parse({ challenge: 'http://127.0.0.1:1/', field: 'token' }))
    for (const attestor of [elsewhere, unnamed]) {
      const answer = await attestor.attest(instance, next, undefined, callWithin(1_000))
      expect(answer).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID' })
    }
  })
})

describe('the configuration of http', () => {
  const takes = (config: object): boolean => checkSchema.safeParse({ url: 'http://127.0.0.1:1/', ...config }).success

  it('refuses secrets where everybody sees them (C-01)', () => {
    expect(takes({})).toBe(true)
    expect(takes({ url: 'http://user:${env:P}@127.0.0.1/' })).toBe(false)
    expect(takes({ url: 'http://user:literal@127.0.0.1/' })).toBe(false)
    expect(takes({ headers: { Authorization: 'Bearer literal' } })).toBe(false)
    expect(takes({ headers: { Authorization: 'Bearer ${env:T}' } })).toBe(true)
  })

  it('refuses expectations that always hold, or that no answer can meet (C-05)', () => {
    expect(takes({ expect: { stream: {} } })).toBe(false)
    expect(takes({ expect: { not: {} } })).toBe(false)
    expect(takes({ method: 'HEAD', expect: { status: 204 } })).toBe(true)
    expect(takes({ method: 'HEAD', expect: { json: { a: 1 } } })).toBe(false)
  })

  it('takes one way to find the address of a challenge', () => {
    const one = { challenge: 'http://{name}.internal:8080/keyturn/attest' }
    expect(attestorSchema.safeParse(one).success).toBe(true)
    expect(attestorSchema.safeParse({}).success).toBe(false)
    expect(attestorSchema.safeParse({ ...one, challenges: {} }).success).toBe(false)
    expect(attestorSchema.safeParse({ ...one, field: 'a', entry: 'B' }).success).toBe(false)
  })
})
