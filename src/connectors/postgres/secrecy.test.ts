import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accept, forget, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { makeRole } from '../../../test/servers/role.ts'
import { Secret } from '../../kit/index.ts'
import { callWithin } from '../../kit/testing/call.ts'
import { faultyProxy } from './fake.ts'
import { freshPassword, isPlain, scramVerifier } from './password.ts'

let server: PostgresServer
beforeAll(async () => { server = await startPostgres() })
afterAll(() => server.stop())

/** Every form in which a value could show up. */
function forms(value: Secret): readonly string[] {
  const raw = Buffer.from(value.reveal())
  return [raw.toString(), raw.toString('hex'), raw.toString('base64'), raw.toString('base64url')]
}

describe('the clear password stays here', () => {
  it.each(['alternate', 'in-place'] as const)('%s: neither the server\'s log with log_statement=all nor the wire shows it over a whole rotation (S0-07)', async (strategy) => {
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

  it('a server that takes no verifiers: keyturn asks and changes nothing; with `send: clear` it goes on, out of the log (S0-07)', async () => {
    const proxy = await faultyProxy({ host: '127.0.0.1', port: server.port })
    const role = await makeRole(server.adminUrl)
    const throughProxy = server.adminUrl.replace(`:${server.port}/`, `:${proxy.port}/`)
    const careful = issuerAt(throughProxy, { role: role.name })
    const next = careful.propose(role.credential)
    proxy.inject({ on: /PASSWORD 'SCRAM/, act: 'error', sqlstate: '28P01' })
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

describe('verifiers and passwords', () => {
  it('computes the very verifier that the server computes from the same salt', async () => {
    for (const password of ['x', freshPassword(40).reveal(), `it's "odd" \\ \${x} ~`]) {
      const name = `verify_${randomBytes(5).toString('hex')}`
      await server.query(`CREATE ROLE ${name} PASSWORD E'${password.replaceAll('\\', '\\\\').replaceAll('\'', '\'\'')}'`)
      const [row] = await server.query<{ rolpassword: string }>('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [name])
      const kept = row?.rolpassword ?? ''
      const salt = Buffer.from(kept.split(/[:$]/)[2] ?? '', 'base64')
      expect(salt).toHaveLength(16)
      expect(scramVerifier(new Secret(password), salt)).toBe(kept)
    }
  })

  it('makes passwords of exactly the length, letters and digits only, each about as often as the others', () => {
    const counts = new Map<string, number>()
    for (let made = 0; made < 400; made += 1) {
      const text = freshPassword(62).reveal()
      expect(text).toMatch(/^[A-Za-z0-9]{62}$/)
      for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1)
    }
    expect(counts.size).toBe(62)
    // 400 expected each, standard deviation 20: 8 of them is never seen
    for (const count of counts.values()) expect(Math.abs(count - 400)).toBeLessThan(160)
  })

  it('takes only passwords that every version of SASLprep leaves as they are', () => {
    expect(isPlain(new Secret('abc 123 ~!'))).toBe(true)
    for (const text of ['é', 'a\u00a0b', 'tab\t', '\0', '']) expect(isPlain(new Secret(text))).toBe(false)
  })
})
