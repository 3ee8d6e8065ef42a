import { describe, expect, it } from 'vitest'
import { specimenManifest } from '../../test/fixture/specimen.ts'
import { type Answer, done, type Entries, type Host, refused, type Registry, Secret, type Store } from '../kit/index.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import type { Binding, Manifest, SecretSpec, StoreSpec } from '../manifest/model.ts'
import { type Choice, environmentFor, mappingOf } from './environment.ts'

const place = { file: 'keyturn.yaml', line: 1, column: 1 }
const password = generate(ALNUM, 24)
const other = generate(ALNUM, 24)
const call = { signal: new AbortController().signal, deadline: Date.now() + 10_000, fence: 0 }

/** Stores that hold what their configuration says, under `holds`; `read` as there. */
const registry = {
  memory: {
    manifest: { id: 'memory', title: 'Memory', summary: 'A store.', links: [], families: {} },
    load: () => Promise.resolve({
      openStore: ({ holds, read = 'value', answer }: { holds: Record<string, string>; read?: Store['traits']['read']; answer?: Answer<never> }): Store => ({
        traits: { read, cas: true }, identity: () => 'store:memory', title: () => 'memory', preflight: async () => done({ notices: [] }),
        read: async () => answer ?? done({ entries: Object.fromEntries(Object.entries(holds).map(([key, value]) => [key, new Secret(value)])) satisfies Entries, revision: '1' }),
        accepts: () => done(undefined), write: async () => refused('INTERNAL'), tidy: async () => done(undefined),
      }),
    }),
  },
  postgres: { manifest: { id: 'postgres', title: 'P', summary: 'P', links: [], families: {}, fields: { user: 'plain', password: 'secret' } }, load: () => Promise.reject(new Error('an issuer is not needed')) },
} as unknown as Registry

function store(bind: Readonly<Record<string, Binding>>, holds: Readonly<Record<string, string>>, more: object = {}): StoreSpec {
  return { use: 'memory', config: { holds, ...more }, place, bind }
}

const { manifest: specimen, secret: base } = specimenManifest()

function manifest(secrets: Readonly<Record<string, Partial<SecretSpec>>>): Manifest {
  return { ...specimen, secrets: Object.fromEntries(Object.entries(secrets).map(([name, part]) => [name, { ...base, name, ...part }])) }
}

const host = { base: '/' } as Host
const handed = async (of: Manifest, choice: Partial<Choice> = {}) => {
  const { variables, concealed, notices } = await environmentFor({ registry, host: () => host }, of, { as: [], ...choice }, call)
  return { variables: Object.fromEntries([...variables].map(([key, value]) => [key, value.reveal()])), concealed: concealed.map((value) => value.reveal()), notices }
}

const dsn: Binding = { template: 'postgres://{user}:{password}@db/app' }
const url = (of: string): string => `postgres://app:${of}@db/app`
const database = { stores: [store({ DSN: dsn, PGUSER: { template: '{user}' } }, { DSN: url(password), PGUSER: 'app' })] }
const key = { stores: [store({ API_KEY: { template: '{password}' } }, { API_KEY: other })] }

describe('what a command is handed', () => {
  it('is every bound entry as the store has it; user names are no secret, parts of values are (S2-32, S2-60)', async () => {
    const seen = await handed(manifest({ database, key }))
    expect(seen.variables).toEqual({ DSN: url(password), PGUSER: 'app', API_KEY: other })
    expect(seen.concealed).toEqual(expect.arrayContaining([url(password), password, other]))
    expect(seen.concealed).not.toContain('app')
  })

  it('is of the named secrets only; a single field alone brings nothing else', async () => {
    const both = manifest({ database, key })
    expect((await handed(both, { only: ['key'] })).variables).toEqual({ API_KEY: other })
    expect((await handed(both, { as: [mappingOf('PGPASSWORD=database.password')] })).variables).toEqual({ PGPASSWORD: password })
    expect((await handed(both, { only: ['key'], as: [mappingOf('U=database.user')] })).variables).toEqual({ API_KEY: other, U: 'app' })
  })

  it('leaves out what does not exist yet, what is no name of a variable and what cannot be read, and says so', async () => {
    const file = { stores: [store({ 'tls/key.pem': { template: '{password}' } }, { 'tls/key.pem': other })] }
    const sealed = { stores: [store({ SEALED: { template: '{password}' } }, {}, { read: 'none' })] }
    const seen = await handed(manifest({ file, sealed, database, later: { lifecycle: 'future', stores: [store({ X: dsn }, {})] } }))
    expect(Object.keys(seen.variables)).toEqual(['DSN', 'PGUSER'])
    expect(seen.notices).toEqual([expect.stringContaining('file has no value'), expect.stringContaining('sealed has no value')])
    expect((await handed(manifest({ file }), { as: [mappingOf('KEY=file.password')] })).variables).toEqual({ KEY: other })
    await expect(handed(manifest({ file }), { only: ['file'] })).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--as KEY=file.FIELD') })
  })

  it('goes by the first store while two of one secret differ; two secrets never share a variable silently', async () => {
    const moving = { stores: [store({ API_KEY: { template: '{password}' } }, { API_KEY: password }), store({ API_KEY: { template: '{password}' } }, { API_KEY: other })] }
    const seen = await handed(manifest({ moving }))
    expect(seen).toMatchObject({ variables: { API_KEY: password }, notices: ['API_KEY of moving differs between its stores; the first one counts'] })
    expect(seen.concealed).toEqual(expect.arrayContaining([password, other]))
    const mine = { stores: [store({ API_KEY: { template: '{password}' } }, { API_KEY: password })] }
    await expect(handed(manifest({ key, mine }))).rejects.toMatchObject({ code: 'USAGE', about: 'API_KEY would come from key and from mine' })
    expect((await handed(manifest({ key, same: key }))).variables).toEqual({ API_KEY: other })
  })

  it.each([
    ['a store that refuses', { stores: [store({ A: dsn }, {}, { answer: refused('STORE_DENIED', 'memory') })] }, 'STORE_DENIED'],
    ['a key that is not there', { stores: [store({ A: dsn }, {})] }, 'STORE_UNFIT'],
    ['a value with a zero byte', { stores: [store({ A: { template: '{password}' } }, { A: `${other}\0x` })] }, 'VALUE_UNREADABLE'],
  ] as const)('is nothing with %s, and no error quotes a value', async (_, broken, code) => {
    const failed = await handed(manifest({ database, broken })).catch((thrown: unknown) => thrown)
    expect(failed).toMatchObject({ code })
    expect(JSON.stringify([failed, String(failed)])).not.toContain(other)
  })

  it.each(['PGPASSWORD', 'PGPASSWORD=database', '=database.password', '1A=database.password', 'A-B=database.password', 'A=.password', 'A=database.'])('is not told by --as %s', (text) => {
    expect(() => mappingOf(text)).toThrow(expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('PGPASSWORD=database.password') }))
  })

  it('finds the field behind the last dot of a name that has dots', () => {
    expect(mappingOf('A=api.v2.key')).toEqual({ key: 'A', secret: 'api.v2', field: 'key' })
  })

  it('knows the fields and the secrets that there are', async () => {
    await expect(handed(manifest({ database }), { as: [mappingOf('A=database.pasword')] })).rejects.toMatchObject({ code: 'USAGE', hint: 'They carry: user, password.' })
    await expect(handed(manifest({ database }), { only: ['databse'] })).rejects.toMatchObject({ code: 'SECRET_UNKNOWN' })
  })
})
