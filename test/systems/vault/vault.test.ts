import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openIssuer } from '../../../src/connectors/vault/index.ts'
import { issuerSchema } from '../../../src/connectors/vault/issuer-schema.ts'
import type { Issuer } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { proves } from '../claims.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { type Answered, asker, listOf, textOf } from './ask.ts'
import { type Server, startServer } from './server.ts'
import { fresh, hostOf } from './worlds.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

/** A role with one secret id. */
async function roleWithOne() {
  const role = fresh('atlas')
  const base = `auth/approle/role/${role}`
  await server.ask('POST', base, { token_ttl: 60, token_max_ttl: 120 })
  const roleId = textOf(await server.ask('GET', `${base}/role-id`), 'data', 'role_id')
  const made = await server.ask('POST', `${base}/secret-id`, {})
  const [accessor, secretId] = [textOf(made, 'data', 'secret_id_accessor'), textOf(made, 'data', 'secret_id')]
  const login = (value: string): Promise<Answered> => asker(server.url, '')('POST', 'auth/approle/login', { role_id: roleId, secret_id: value })
  return {
    role, roleId, accessor, secretId, login,
    listed: async () => listOf(await server.ask('GET', `${base}/secret-id?list=true`), 'data', 'keys'),
    current: { id: accessor, fields: { secret: new Secret(secretId), accessor: new Secret(accessor) } },
    issuer: openIssuer(issuerSchema.parse({ address: server.url, token: '${env:T}', approle: { role } }), hostOf({ '${env:T}': server.root })),
  }
}

/** Which carry this tag. */
async function tagged(issuer: Issuer, tag: string): Promise<readonly string[]> {
  const seen = await issuer.observe(callWithin(10_000))
  return seen.is === 'done' ? seen.value.known.filter((one) => one.tag === tag).map(({ id }) => id) : ['not seen']
}

describe('a service that logs in with a secret id', () => {
  proves(() => ({ connector: 'vault', as: 'load', strategy: 'overlap', on: server.version }))

  it('loses no login while it is rotated; the old one is dead afterwards, in Vault\'s own words, and others live on', async () => {
    const { role, roleId, accessor, secretId, login, listed } = await roleWithOne()
    const other = await roleWithOne()
    const { ran, report, env } = await rotateUnderLoad({
      issuer: { use: 'vault', address: server.url, token: '${env:VAULT_TOKEN}', approle: { role, tokenLife: '2m' } },
      bind: { SECRET_ID: '{secret}', SECRET_ID_ACCESSOR: '{accessor}' },
      field: 'secret',
      client: new URL('client.ts', import.meta.url),
      env: { VAULT_ADDR: server.url, ROLE_ID: roleId, SECRET_ID: secretId, SECRET_ID_ACCESSOR: accessor, LOG_LEVEL: 'info' },
      admin: { VAULT_TOKEN: server.root },
      secret: { quiet: '0s' },
      rate: 40,
    })
    expect(ran, ran.said).toMatchObject({ code: 0 })
    expect(report).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(80)
    expect(env['LOG_LEVEL']).toBe('info')
    expect(await listed()).toEqual([env['SECRET_ID_ACCESSOR']])
    await login(env['SECRET_ID'] ?? '')
    await expect(login(secretId)).rejects.toThrow('400')
    await other.login(other.secretId)
  })
})

describe('a Vault that is away', () => {
  it('a mint whose deadline passed while Vault hung is unknown, and found again by its tag when it is back', async () => {
    const { issuer, current, listed } = await roleWithOne()
    const intent = { credential: issuer.propose(current), tag: 'attempt-in-outage' }
    server.freeze()
    try {
      expect(await issuer.mint(intent, callWithin(2_000))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    } finally {
      server.thaw()
    }
    // It may have been made when Vault went on, some time after it answers others: then it is found by its tag, and ended. Never two.
    let late: readonly string[] = []
    for (const end = Date.now() + 2_000; late.length === 0 && Date.now() < end; ) late = await tagged(issuer, intent.tag)
    expect(late.length).toBeLessThanOrEqual(1)
    for (const id of late) expect((await issuer.set(id, 'gone', callWithin(10_000))).is).toBe('done')
    expect(await listed()).toEqual([current.id])
    expect((await issuer.mint({ ...intent, tag: 'attempt-after' }, callWithin(10_000))).is).toBe('done')
    expect((await tagged(issuer, 'attempt-after')).length).toBe(1)
  })

  it('one that was restarted is sealed: refused, and nothing is lost when it is unsealed', async () => {
    const { issuer, current } = await roleWithOne()
    const [endpoint = ''] = issuer.endpoints()
    await server.restart()
    const sealed = await issuer.observe(callWithin(10_000))
    expect(sealed).toMatchObject({ is: 'refused', code: 'UNREACHABLE', evidence: { sealed: true } })
    await server.unseal()
    expect(await issuer.probe(current, endpoint, callWithin(10_000))).toMatchObject({ is: 'done', value: { verdict: 'accepted' } })
    const seen = await issuer.observe(callWithin(10_000))
    expect(seen.is === 'done' && seen.value.known.map(({ id }) => id)).toEqual([current.id])
  })
})
