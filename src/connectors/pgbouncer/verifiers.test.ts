import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest'
import { queryAt, ready } from '../../../test/servers/postgres.ts'
import { makeRole } from '../../../test/servers/role.ts'
import { Secret } from '../../kit/secret.ts'
import type { Answer } from '../../kit/answer.ts'
import { callWithin } from '../../testing/call.ts'
import { agree, cut, join as together } from './userlist.ts'
import { copyVerifiers } from './verifiers.ts'

describe('lines that agree with the roles of the server', () => {
  const agreed = (text: string, secrets: Record<string, string>): string =>
    together(agree(cut(text) ?? [], (user) => user.startsWith('app'), new Map(Object.entries(secrets))))

  it('are changed in place, added at the end and taken away; others stay byte for byte', () => {
    expect(agreed('; head\n"x" "1"\n"app" "one" ; ours\n"app_alt" "two"\n', { app: 'ONE', app_b: 'b' })).toBe('; head\n"x" "1"\n"app" "ONE" ; ours\n"app_b" "b"\n')
    expect(agreed('"x" "1"', { app: 'one' })).toBe('"x" "1"\n"app" "one"\n')
  })

  it('are there once, and doing it again changes nothing', () => {
    const once = agreed('"app" "1"\n"app" "2"\n', { app: '3' })
    expect(once).toBe('"app" "3"\n')
    expect(agreed(once, { app: '3' })).toBe(once)
  })
})

describe('copying verifiers', () => {
  let admin: string
  let base: string
  let file: string
  beforeEach(async () => {
    admin = await ready(inject('postgresUrl'))
    base = mkdtempSync(join(tmpdir(), 'keyturn-verifiers-'))
    file = join(base, 'userlist.txt')
    writeFileSync(file, '"x" "1"\n', { mode: 0o600 })
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))
  const copy = (url: string, users: readonly string[], dry?: 'dry'): Promise<Answer<void>> =>
    copyVerifiers({ admin: '${env:PG_ADMIN_URL}', file, users: [...users] }, { base, now: () => Date.now(), resolve: async () => new Secret(url), conceal: () => undefined }, callWithin(5_000), dry)
  const made = async (): Promise<Awaited<ReturnType<typeof makeRole>>> => {
    const role = await makeRole(admin, { prefix: 'pooled' })
    onTestFinished(async () => void await queryAt(admin, `DROP OWNED BY "${role.name}"; DROP ROLE "${role.name}"`))
    return role
  }

  it('brings what the server has, and in a dry run nothing', async () => {
    const role = await made()
    expect((await copy(admin, [role.name], 'dry')).is).toBe('done')
    expect(readFileSync(file, 'utf8')).toBe('"x" "1"\n')
    expect((await copy(admin, [role.name])).is).toBe('done')
    const [row] = await queryAt(admin, 'SELECT rolpassword FROM pg_authid WHERE rolname = $1', [role.name])
    expect(readFileSync(file, 'utf8')).toBe(`"x" "1"\n"${role.name}" "${String(row?.['rolpassword'])}"\n`)
  })

  it('names the right that is missing, a rejected admin and a role whose password is kept in another way; the file stays', async () => {
    const role = await made()
    expect(await copy(role.url(), [role.name])).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('pg_authid') })
    expect(await copy(role.url(role.name, 'wrong'), [role.name])).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    expect(await copy(role.url(undefined, undefined, 1), [role.name])).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
    await queryAt(admin, `SET password_encryption = 'md5'; ALTER ROLE "${role.name}" PASSWORD 'x'`)
    expect(await copy(admin, [role.name])).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining(role.name) })
    expect(readFileSync(file, 'utf8')).toBe('"x" "1"\n')
  })
})
