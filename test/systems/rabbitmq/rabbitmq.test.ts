import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer, Credential } from '../../../src/kit/index.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { issuerSuite } from '../../../src/testing/issuer.ts'
import { proves, proving } from '../claims.ts'
import { tellGap } from '../rig/gap.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type Broker, startBroker } from './broker.ts'
import { frontOf, issuerAt, makeUser, makeWorld } from './world.ts'

// One file: two brokers at once would take each other's time, and the load counts it.
let server: Broker
beforeAll(async () => { server = await startBroker() })
afterAll(() => server.stop())

for (const strategy of ['alternate', 'in-place'] as const) {
  issuerSuite(proving(() => ({ connector: 'rabbitmq', as: 'issuer', strategy, on: server.version })), `rabbitmq ${strategy}, real RabbitMQ`, () => makeWorld(server, strategy))
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value
}

/** What the broker says of all users but those of one pair: hashes, permissions, limits. */
async function kept(except: Credential): Promise<string> {
  const lists = await Promise.all(['users', 'permissions', 'topic-permissions', 'user-limits'].map((kind) => server.ask('GET', `/api/${kind}`)))
  const isOurs = (one: object): boolean => Object.values(one).some((value) => String(value).startsWith(except.id))
  return JSON.stringify((lists as object[][]).map((list) => list.filter((one) => !isOurs(one)).map((one) => JSON.stringify(one)).toSorted()))
}

describe('facts of the broker', () => {
  it('the second user has tags, permissions, topic permissions and limits of the first; siblings stay byte for byte (S2-18, S0-13)', async () => {
    const current = await makeUser(server, '%2F', 'app')
    await makeUser(server, '%2F', 'sibling')
    await server.ask('PUT', `/api/user-limits/${current.id}/max-channels`, { value: 100 })
    const before = await kept(current)
    const bodies: string[] = []
    const proxy = await frontOf(server, (body) => bodies.push(body))
    const issuer = issuerAt(server, { user: current.id }, proxy.url)
    const next = issuer.propose(current)
    valueOf(await issuer.preflight(current, next.id, callWithin(20_000)))
    valueOf(await issuer.mint({ credential: next, tag: 'test' }, callWithin(20_000)))
    const seen = async (id: string): Promise<string> => {
      const lists = await Promise.all([`users/${id}?columns=tags`, `users/${id}/permissions`, `users/${id}/topic-permissions`, `user-limits/${id}`].map((path) => server.ask('GET', `/api/${path}`)))
      return JSON.stringify(lists).replaceAll(id, '?')
    }
    expect(await seen(next.id)).toBe(await seen(current.id))
    expect(await seen(next.id)).toMatch(/monitoring.*\^own.*amq\.topic.*max-channels/)
    expect(bodies.join('\n').includes(next.fields['password']?.reveal() ?? '?')).toBe(false)
    for (const state of ['off', 'gone'] as const) {
      valueOf(await issuer.set(current.id, state, callWithin(20_000)))
      expect(valueOf(await issuer.probe(current, 'primary', callWithin(20_000)))).toEqual({ verdict: 'rejected', code: state === 'off' ? '530' : '403' })
    }
    expect(await kept(current)).toBe(before)
    await proxy.close()
  })

  it('an admin without the tag, a wrong one, and a second user that may log in are named before anything is changed (S2-17, C-15)', async () => {
    const current = await makeUser(server, '%2F', 'app')
    const other = await makeUser(server, '%2F', 'helper')
    const look = (at: Parameters<typeof issuerAt>[0]): Promise<Answer<unknown>> => issuerAt(at, { user: current.id }).preflight(current, `${current.id}_alt`, callWithin(20_000))
    const helper = { user: other.id, password: other.fields['password']?.reveal() ?? '' }
    expect(await look({ ...server, admin: helper })).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('lacks the tag administrator') })
    expect(await look({ ...server, admin: { ...helper, password: 'not-of-the-test' } })).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    await server.ask('PUT', `/api/users/${current.id}_alt`, { password: 'second-of-the-test', tags: '' })
    expect(await look(server)).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE', about: expect.stringContaining('may log in') })
  })

  it('a broker that stands still for seconds is unknown or refused by the deadline, and goes on afterwards (S0-54)', async () => {
    const current = await makeUser(server, '%2F', 'app')
    const issuer = issuerAt(server, { user: current.id })
    const intent = { credential: issuer.propose(current), tag: 'test' }
    server.signal('SIGSTOP')
    const [minted, probed] = await Promise.all([issuer.mint(intent, callWithin(1_500)), issuer.probe(current, 'primary', callWithin(1_500))])
    server.signal('SIGCONT')
    expect(minted).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expect(probed).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    valueOf(await issuer.mint(intent, callWithin(20_000)))
    expect(valueOf(await issuer.probe(intent.credential, 'primary', callWithin(20_000)))).toMatchObject({ verdict: 'accepted' })
  })
})

describe('under load', () => {
  proves(() => ({ connector: 'rabbitmq', as: 'load', strategy: 'alternate', on: server.version }))

  it('no message of a service with two instances is lost or refused while its user is rotated (S0-01, S0-13)', async () => {
    const password = randomBytes(16).toString('hex')
    await server.ask('PUT', '/api/users/live', { password, tags: '' })
    await server.ask('PUT', '/api/permissions/%2F/live', { configure: '.*', write: '.*', read: '.*' })
    const { ran, report, env } = await rotateUnderLoad({
      issuer: {
        use: 'rabbitmq', api: server.url, admin: { user: server.admin.user, password: '${env:RABBITMQ_PASSWORD}' }, user: 'live', strategy: 'alternate',
        endpoints: [{ name: 'primary', host: '127.0.0.1', port: server.amqpPort }],
      },
      bind: { AMQP_URL: { url: { user: 'user', password: 'password' } } },
      client: new URL('client.ts', import.meta.url),
      env: { AMQP_URL: `amqp://live:${password}@127.0.0.1:${server.amqpPort}/%2F`, LOG_LEVEL: 'info' },
      admin: { RABBITMQ_PASSWORD: server.admin.password },
      rate: 50,
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report, JSON.stringify(report)).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(150)
    expect(env['LOG_LEVEL']).toBe('info')
    expect(new URL(env['AMQP_URL'] ?? '').username).toBe('live_alt')
    const users = (await server.ask('GET', '/api/users?columns=name')) as { readonly name: string }[]
    expect(users.map(({ name }) => name).filter((name) => name.startsWith('live'))).toEqual(['live_alt'])
  })
})

it('in place: logins fail for a moment, which is measured and told', async ({ task }) => {
  const password = randomBytes(16).toString('hex')
  await server.ask('PUT', '/api/users/single', { password, tags: '' })
  await server.ask('PUT', '/api/permissions/%2F/single', { configure: '.*', write: '.*', read: '.*' })
  const { ran, report, env } = await rotateUnderLoad({
    issuer: {
      use: 'rabbitmq', api: server.url, admin: { user: server.admin.user, password: '${env:RABBITMQ_PASSWORD}' }, user: 'single', strategy: 'in-place',
      endpoints: [{ name: 'primary', host: '127.0.0.1', port: server.amqpPort }],
    },
    bind: { AMQP_URL: { url: { user: 'user', password: 'password' } } },
    client: new URL('churning.ts', import.meta.url),
    env: { AMQP_URL: `amqp://single:${password}@127.0.0.1:${server.amqpPort}/%2F` },
    admin: { RABBITMQ_PASSWORD: server.admin.password },
    rate: 30,
  })
  expect(ran, ran.said).toMatchObject({ code: 0 })
  tellGap(task, `rabbitmq, one user, ${server.version}`, report)
  expect(Object.keys(report.reasons), JSON.stringify(report)).toEqual(['500 ACCESS_REFUSED'])
  expect(new URL(env['AMQP_URL'] ?? '').password).not.toBe(password)
})
