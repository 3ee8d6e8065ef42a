import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accept, forget, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { makeRole } from '../../../test/servers/role.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { faultyProxy } from './fake.ts'
import { isPlain, scramVerifier } from './verifier.ts'

let server: PostgresServer
beforeAll(async () => { server = await startPostgres() })
afterAll(() => server.stop())

/** Every form in which a value could show up. */
function forms(value: Secret): readonly string[] {
  const raw = Buffer.from(value.reveal())
  return [raw.toString(), raw.toString('hex'), raw.toString('base64'), raw.toString('base64url')]
}

describe('the clear password stays here', () => {
  it.each(['alternate', 'in-place'] as const)('%s: not in the full log, not on the wire (S0-07)', async (strategy) => {
    const proxy = await faultyProxy({ host: '127.0.0.1', port: server.port })
    const role = await makeRole(server.adminUrl)
    const before = (await server.log()).length
    const throughProxy = server.adminUrl.replace(`:${server.port}/`, `:${proxy.port}/`)
    const issuer = issuerAt(throughProxy, { role: role.name, strategy })
    const next = await accept(issuer, role.credential)
    expect((await verdictOf(issuer, next)).verdict).toBe('accepted')
    if (strategy === 'alternate') await forget(issuer, role.credential)
    expect((await verdictOf(issuer, role.credential)).verdict).toBe('rejected')
    await proxy.close()

    const log = (await server.log()).slice(before)
    expect(log).toContain('SCRAM-SHA-256$4096:')
    for (const secret of [next.fields['password'], role.credential.fields.password]) {
      for (const form of forms(secret ?? new Secret('?'))) {
        expect(log.includes(form)).toBe(false)
        expect(proxy.wire().includes(form)).toBe(false)
      }
    }
    expect(proxy.wire()).toContain('SCRAM-SHA-256$4096:')
  })

  it('a server that takes no verifiers: a task, nothing changed; `send: clear` goes on, out of the log (S0-07)', async () => {
    const proxy = await faultyProxy({ host: '127.0.0.1', port: server.port })
    const role = await makeRole(server.adminUrl)
    const throughProxy = server.adminUrl.replace(`:${server.port}/`, `:${proxy.port}/`)
    const careful = issuerAt(throughProxy, { role: role.name })
    const next = careful.propose(role.credential)
    proxy.inject({ on: /PASSWORD 'SCRAM/, act: 'error', error: '28P01' })
    const asked = await careful.mint({ credential: next, tag: 'test' }, callWithin(5000))
    expect(asked).toMatchObject({ is: 'ask' })
    expect(JSON.stringify(asked)).toContain('send: clear')
    expect(valueOf(await careful.observe(callWithin(5000))).known.map((one) => one.id)).toEqual([role.name])

    const clear = issuerAt(server.adminUrl, { role: role.name, send: 'clear' })
    valueOf(await clear.mint({ credential: next, tag: 'test' }, callWithin(5000)))
    expect((await verdictOf(clear, next)).verdict).toBe('accepted')
    await proxy.close()
    expect((await server.log()).includes(next.fields['password']?.reveal() ?? '?')).toBe(false)
    const kept = await server.query<{ rolpassword: string }>('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [next.id])
    expect(kept[0]?.rolpassword.startsWith('SCRAM-SHA-256$')).toBe(true)
  })

  it('an error that the server gives for the password statement does not put it into what keyturn answers', async () => {
    const role = await makeRole(server.adminUrl)
    await server.query(`ALTER ROLE "${role.name}" RENAME TO "${role.name}_moved"`)
    const issuer = issuerAt(server.adminUrl, { role: role.name, strategy: 'in-place', send: 'clear' })
    const next = issuer.propose(role.credential)
    const answer = await issuer.mint({ credential: next, tag: 'test' }, callWithin(5000))
    expect(answer).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    expect(JSON.stringify(answer).includes(next.fields['password']?.reveal() ?? '?')).toBe(false)
  })
})

describe('verifiers', () => {
  it('computes the very verifier that the server computes from the same salt', async () => {
    for (const password of ['x', generate(ALNUM, 40), `it's "odd" \\ \${x} ~`]) {
      const name = `verify_${randomBytes(5).toString('hex')}`
      await server.query(`CREATE ROLE ${name} PASSWORD E'${password.replaceAll('\\', '\\\\').replaceAll('\'', '\'\'')}'`)
      const [row] = await server.query<{ rolpassword: string }>('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [name])
      const kept = row?.rolpassword ?? ''
      const salt = Buffer.from(kept.split(/[:$]/)[2] ?? '', 'base64')
      expect(salt).toHaveLength(16)
      expect(scramVerifier(new Secret(password), salt)).toBe(kept)
    }
  })

  it('takes only passwords that every version of SASLprep leaves as they are', () => {
    expect(isPlain(new Secret('abc 123 ~!'))).toBe(true)
    for (const text of ['é', 'a\u00a0b', 'tab\t', '\0', '']) expect(isPlain(new Secret(text))).toBe(false)
  })
})
