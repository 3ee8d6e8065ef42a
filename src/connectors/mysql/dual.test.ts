import { afterAll, beforeAll, expect, it } from 'vitest'
import { issuerAt } from '../../../test/systems/mysql/login.ts'
import { type Credential, type Issuer, Secret } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { type FakeMysql, startFakeMysql } from './fake.ts'

let server: FakeMysql
beforeAll(async () => { server = await startFakeMysql() })
afterAll(() => server.close())

function begin(user: string): { readonly issuer: Issuer; readonly first: Credential } {
  const issuer = issuerAt(server.adminUrl, { user, strategy: 'overlap' })
  const fields = { user: new Secret(user), password: new Secret('first-of-the-test') }
  server.run(`CREATE USER '${user}'@'%' IDENTIFIED WITH 'mysql_native_password' BY 'first-of-the-test'`)
  return { issuer, first: { id: issuer.idOf(fields) ?? '', fields } }
}

async function mint(issuer: Issuer, current: Credential): Promise<Credential> {
  const credential = issuer.propose(current)
  for (const _ of [1, 2]) expect(await issuer.mint({ credential, tag: 'test' }, callWithin(10_000))).toMatchObject({ is: 'done' })
  return credential
}

async function verdicts(issuer: Issuer, ...credentials: readonly Credential[]): Promise<unknown[]> {
  const answers = await Promise.all(credentials.map((one) => issuer.probe(one, 'primary', callWithin(10_000))))
  return answers.map((answer) => (answer.is === 'done' ? answer.value.verdict : answer.is))
}

it('a mint that is repeated keeps the old password, rotation after rotation (S0-13)', async () => {
  const { issuer, first } = begin('forward')
  let current = first
  for (const _ of [1, 2, 3]) {
    const next = await mint(issuer, current)
    expect(await verdicts(issuer, current, next)).toEqual(['accepted', 'accepted'])
    expect(await issuer.mint({ credential: issuer.propose(next), tag: 'late' }, callWithin(10_000))).toMatchObject({ is: 'refused', code: 'SLOTS_FULL' })
    for (const _again of [1, 2]) expect(await issuer.set(current.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'done' })
    expect(await verdicts(issuer, current, next)).toEqual(['rejected', 'accepted'])
    current = next
  }
})

it('going back ends the new password and keeps the old one; the only one is never ended (I4)', async () => {
  const { issuer, first } = begin('back')
  const second = await mint(issuer, first)
  for (const _ of [1, 2]) expect(await issuer.set(second.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'done' })
  expect(await verdicts(issuer, first, second)).toEqual(['accepted', 'rejected'])
  const third = await mint(issuer, first)
  expect(await issuer.set(first.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'done' })
  expect(await issuer.set(third.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
  expect(await verdicts(issuer, first, third)).toEqual(['rejected', 'accepted'])
  const seen = await issuer.observe(callWithin(10_000))
  expect(seen).toMatchObject({ is: 'done', value: { complete: true, known: [{ id: third.id, state: 'on' }] } })
})
