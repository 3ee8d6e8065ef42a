import { expect, it } from 'vitest'
import { ALNUM, generate } from '../kit/generate.ts'
import { done, type Issuer, refused, Secret, type Store } from '../kit/index.ts'
import type { Binding } from '../manifest/model.ts'
import { callWithin } from '../testing/call.ts'
import { readCurrent } from './current.ts'

const traits: Pick<Issuer['traits'], 'fields'> = { fields: { user: 'plain', password: 'secret' } }
const issuer = { traits: traits as Issuer['traits'], idOf: ({ user }) => (user?.reveal() === 'app' ? 'app' : undefined) } as Partial<Issuer> as Issuer

/** What is said of one store that holds this under the key DSN. */
async function said(binding: Binding, value: string): Promise<unknown> {
  const store = { title: () => 'dotenv /srv/app/.env', read: async () => done({ entries: { DSN: new Secret(value) }, revision: '1' }) } as Partial<Store> as Store
  const place = { file: 'keyturn.yaml', line: 1, column: 1 }
  return readCurrent({ issuer, stores: [store] }, [{ use: 'dotenv', config: {}, place, bind: { DSN: binding } }], callWithin(1_000))
}

it('says of a value that does not fit its binding which part it is, and shows nothing of it (STORE_UNFIT, I11)', async () => {
  const [dsn, value] = [{ template: 'postgres://{user}:{password}@db/app' }, generate(ALNUM, 24)]
  const unfit = (what: string) => refused('STORE_UNFIT', `DSN in dotenv /srv/app/.env: ${what}`)
  expect(await said(dsn, `mysql://app:${value}@db/app`)).toEqual(unfit('the text before {user} is another one'))
  expect(await said(dsn, 'postgres://app:@db/app')).toEqual(unfit('{password} is empty'))
  expect(await said(dsn, `postgres://app:${value}@db/other`)).toEqual(unfit('the end after {password} is another one'))
  expect(await said({ url: { password: 'password' } }, value)).toEqual(unfit('it is no URL'))
  expect(await said(dsn, `postgres://app:${value}@db/app`)).toMatchObject({ is: 'done', value: { id: 'app' } })
})
