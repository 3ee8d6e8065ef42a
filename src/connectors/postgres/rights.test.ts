import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { accept, forget, issuerAt, valueOf, verdictOf } from '../../../test/servers/postgres-issuer.ts'
import { queryAt, ready } from '../../../test/servers/postgres.ts'
import { type TestRole, makeRole, openSession } from '../../../test/servers/role.ts'
import type { Answer, Credential, Preflight } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'

let admin = ''
beforeAll(async () => { admin = await ready(inject('postgresUrl')) })

/** An admin as managed servers give it: no superuser. */
async function makeManager(attributes: string): Promise<{ readonly name: string; readonly url: string }> {
  const name = `manager_${randomBytes(5).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await queryAt(admin, `CREATE ROLE ${name} LOGIN ${attributes} PASSWORD '${password}'`)
  const url = new URL(admin)
  url.username = name
  url.password = password
  return { name, url: url.href }
}

function look(url: string, role: TestRole): Promise<Answer<Preflight>> {
  const issuer = issuerAt(url, { role: role.name })
  return issuer.preflight(role.credential, issuer.propose(role.credential).id, callWithin(5000))
}

describe('an admin without superuser', () => {
  it('has every missing right named, and is enough when it has them (S2-17)', async () => {
    const role = await makeRole(admin)
    const manager = await makeManager('')
    const lacking = [
      'CREATEROLE', `ADMIN OPTION on ${role.name}`, 'membership in pg_read_all_stats', 'membership in pg_signal_backend',
    ]
    const grants = [
      `ALTER ROLE ${manager.name} CREATEROLE`, `GRANT "${role.name}" TO ${manager.name} WITH ADMIN TRUE, INHERIT FALSE`,
      `GRANT pg_read_all_stats TO ${manager.name}`, `GRANT pg_signal_backend TO ${manager.name}`,
    ]
    for (const [at, grant] of grants.entries()) {
      const about = `${manager.name} lacks ${lacking.slice(at).join(', ')}`
      expect(await look(manager.url, role)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about })
      await queryAt(admin, grant)
    }
    const seen = valueOf(await look(manager.url, role))
    expect(seen).toMatchObject({ fenced: false, evidence: { superuser: false } })
    expect(seen.notices).toHaveLength(1)
    expect(seen.notices[0]).toContain('unfenced')
  })

  it.each([
    ['by the groups that managed servers give', 'IN ROLE pg_read_all_stats, pg_signal_backend', 'INHERIT FALSE'],
    ['by inheriting the role itself', '', 'INHERIT TRUE, SET FALSE'],
  ])('rotates there and back, ends sessions and sees who is logged in, %s', async (_, groups, inheriting) => {
    const role = await makeRole(admin)
    const manager = await makeManager(`CREATEROLE ${groups}`)
    await queryAt(admin, `GRANT "${role.name}" TO ${manager.name} WITH ADMIN TRUE, ${inheriting}`)
    const issuer = issuerAt(manager.url, { role: role.name })
    let current: Credential = role.credential
    for (const _round of [1, 2, 3]) {
      const next = await accept(issuer, current)
      const sessions = await Promise.all([current, next].map((one) =>
        openSession(role.url(one.id, one.fields['password']?.reveal()), 'gateway')))
      const uses = valueOf(await issuer.observe(callWithin(5000))).known.map((one) => one.uses)
      expect(uses).toEqual([[{ by: 'gateway@127.0.0.1', count: 1 }], [{ by: 'gateway@127.0.0.1', count: 1 }]])
      await forget(issuer, current)
      expect(await verdictOf(issuer, current)).toEqual({ verdict: 'rejected', code: '28P01' })
      expect(await Promise.all(sessions.map((session) => session.alive()))).toEqual([false, true])
      for (const session of sessions) await session.close()
      const url = role.url(next.id, next.fields['password']?.reveal())
      await queryAt(url, 'CREATE TABLE IF NOT EXISTS t (id serial); ALTER TABLE t ALTER id SET NOT NULL')
      current = next
    }
  })

  it('is fenced once it may set keyturn.fence', async () => {
    const role = await makeRole(admin)
    const manager = await makeManager('CREATEROLE IN ROLE pg_read_all_stats, pg_signal_backend')
    await queryAt(admin, `GRANT "${role.name}" TO ${manager.name} WITH ADMIN TRUE;
      GRANT SET ON PARAMETER keyturn.fence TO ${manager.name}`)
    expect(valueOf(await look(manager.url, role))).toMatchObject({ fenced: true, notices: [] })
    const issuer = issuerAt(manager.url, { role: role.name })
    const intent = { credential: issuer.propose(role.credential), tag: 'test' }
    expect((await issuer.mint(intent, callWithin(5000, 5))).is).toBe('done')
    expect(await issuer.mint(intent, callWithin(5000, 4))).toMatchObject({ is: 'refused', code: 'FENCED' })
    expect((await verdictOf(issuer, role.credential)).verdict).toBe('accepted')
  })

  it('needs the right to every setting and attribute that the companion must have too', async () => {
    const role = await makeRole(admin)
    const manager = await makeManager('CREATEROLE IN ROLE pg_read_all_stats, pg_signal_backend')
    await queryAt(admin, `GRANT "${role.name}" TO ${manager.name} WITH ADMIN TRUE; ALTER ROLE "${role.name}" REPLICATION;
      ALTER ROLE "${role.name}" SET log_min_duration_statement = '5s'; ALTER ROLE "${role.name}" SET work_mem = '5MB'`)
    const about = `${manager.name} lacks REPLICATION, SET ON PARAMETER log_min_duration_statement`
    expect(await look(manager.url, role)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about })
    await queryAt(admin, `ALTER ROLE ${manager.name} REPLICATION;
      GRANT SET ON PARAMETER log_min_duration_statement TO ${manager.name}`)
    const next = await accept(issuerAt(manager.url, { role: role.name }), role.credential)
    const url = role.url(next.id, next.fields['password']?.reveal())
    expect(await queryAt(url, 'SHOW log_min_duration_statement')).toEqual([{ log_min_duration_statement: '5s' }])
    expect(await queryAt(url, 'SHOW work_mem')).toEqual([{ work_mem: '5MB' }])
  })

  it('is not fooled by what others put into its search path', async () => {
    const role = await makeRole(admin)
    const manager = await makeManager('CREATEROLE IN ROLE pg_read_all_stats, pg_signal_backend')
    await queryAt(admin, `GRANT "${role.name}" TO ${manager.name} WITH ADMIN TRUE; GRANT ALL ON SCHEMA "${role.name}" TO PUBLIC;
      CREATE VIEW "${role.name}".pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity LIMIT 0;
      GRANT ALL ON "${role.name}".pg_stat_activity TO PUBLIC;
      ALTER ROLE ${manager.name} SET search_path = "${role.name}", pg_catalog`)
    const session = await openSession(role.url(), 'gateway')
    const seen = valueOf(await issuerAt(manager.url, { role: role.name }).observe(callWithin(5000)))
    await session.close()
    expect(seen.known[0]?.uses).toEqual([{ by: 'gateway@127.0.0.1', count: 1 }])
  })

  it('cannot rotate a superuser', async () => {
    const role = await makeRole(admin)
    const manager = await makeManager('CREATEROLE')
    await queryAt(admin, `GRANT "${role.name}" TO ${manager.name} WITH ADMIN TRUE; ALTER ROLE "${role.name}" SUPERUSER`)
    const about = `${manager.name} lacks SUPERUSER (${role.name} is one)`
    expect(await look(manager.url, role)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about })
  })
})

describe('an admin that is the role itself', () => {
  it('is refused in place: keyturn would lock itself out (I4)', async () => {
    const role = await makeRole(admin)
    const issuer = issuerAt(role.url(), { role: role.name, strategy: 'in-place' })
    const about = `the admin logs in as ${role.name}, which would be locked out by its own new password; give another admin`
    const seen = await issuer.preflight(role.credential, role.name, callWithin(5000))
    expect(seen).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about })
    await queryAt(admin, `ALTER ROLE "${role.name}" SUPERUSER`)
    expect(await issuer.preflight(role.credential, role.name, callWithin(5000))).toMatchObject({ is: 'refused', about })
  })

  it('is refused for a pair: it would be turned off', async () => {
    const role = await makeRole(admin)
    const about = `the admin logs in as ${role.name}, which would be turned off; give another admin`
    expect(await look(role.url(), role)).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about })
    const issuer = issuerAt(role.url(), { role: role.name })
    await queryAt(admin, `ALTER ROLE "${role.name}" SUPERUSER`)
    expect(await issuer.set(role.name, 'off', callWithin(5000))).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
    expect((await verdictOf(issuer, role.credential)).verdict).toBe('accepted')
  })
})
