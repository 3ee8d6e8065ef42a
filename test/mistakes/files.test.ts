import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openStore as openEnvFile } from '../../src/connectors/dotenv/index.ts'
import { openStore as openUserlist } from '../../src/connectors/pgbouncer/index.ts'
import { storeSchema } from '../../src/connectors/pgbouncer/manifest.ts'
import { openStore as openVault } from '../../src/connectors/vault/index.ts'
import { storeSchema as vaultSchema } from '../../src/connectors/vault/store-schema.ts'
import { makeValue } from '../../src/connectors/random/make.ts'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import { Secret, type Store } from '../../src/kit/index.ts'
import { tempOf } from '../../src/outside/file/index.ts'
import { callWithin } from '../../src/testing/call.ts'
import { valueOf } from '../servers/postgres-issuer.ts'
import { asker, at } from '../systems/vault/ask.ts'
import { reachFake } from '../systems/vault/reach.ts'
import { hostOf } from '../systems/vault/worlds.ts'

// What the runbooks do to files, each by the very command that they give, and the same by keyturn beside it.

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'keyturn-mistakes-'))
  onTestFinished(() => rmSync(base, { recursive: true, force: true }))
})

const call = () => callWithin(5_000)
const sh = (command: string): string => execFileSync('sh', ['-c', command], { cwd: base, encoding: 'utf8' })

function envFile(text: string): { readonly path: string; read(): string; readonly store: Store } {
  const path = join(base, '.env')
  writeFileSync(path, text, { mode: 0o600 })
  return { path, read: () => readFileSync(path, 'utf8'), store: openEnvFile({ file: path }, { base }) }
}

async function write(store: Store, patch: Readonly<Record<string, string>>): Promise<void> {
  const { revision } = valueOf(await store.read(Object.keys(patch), call()))
  valueOf(await store.write(Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, new Secret(value)])), revision, call()))
}

describe('a value in an env file', () => {
  it('sed without an anchor rewrites the keys that hold the name of ours, and a password that it takes for a command: keyturn changes one key, exactly (C-14)', async () => {
    const text = 'DB_PASSWORD=one\nNEO4J_DB_PASSWORD=two\nDB_PASSWORD_NOTE=three\n'
    const sed = envFile(text)
    sh(`sed -i 's/DB_PASSWORD=.*/DB_PASSWORD=new/g' .env`)
    expect(parseEnv(sed.read())['NEO4J_DB_PASSWORD']).toBe('new')
    sh(`sed -i 's/DB_PASSWORD=.*/DB_PASSWORD=a&b/g' .env`)
    expect(parseEnv(sed.read())['DB_PASSWORD']).not.toBe('a&b')
    expect(() => sh(`sed -i 's/DB_PASSWORD=.*/DB_PASSWORD=a/b/g' .env 2> /dev/null`)).toThrow(/Command failed/)

    const { read, store } = envFile(text)
    for (const value of ['a&b', 'a/b', String.raw`a\1b`]) {
      await write(store, { DB_PASSWORD: value })
      expect(parseEnv(read())).toEqual({ DB_PASSWORD: value, NEO4J_DB_PASSWORD: 'two', DB_PASSWORD_NOTE: 'three' })
    }
  })

  it('`X_OLD=$X` is the value to a shell and two characters to others: keyturn takes neither for the value, and writes what all of them read alike (C-32)', async () => {
    const value = generate(ALNUM, 24)
    const runbook = envFile(`X=${value}\nX_OLD=$X\n`)
    expect(sh('. ./.env; printf %s "$X_OLD"')).toBe(value)
    expect(parseEnv(runbook.read())['X_OLD']).toBe('$X')
    expect(await runbook.store.read(['X_OLD'], call())).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })

    const { read, store } = envFile(`X=${value}\n`)
    await write(store, { X_OLD: value, Y: 'cash$X' })
    expect(parseEnv(read())).toEqual({ X: value, X_OLD: value, Y: 'cash$X' })
    expect(sh('. ./.env; printf "%s %s" "$X_OLD" "$Y"')).toBe(`${value} cash$X`)
  })
})

describe('a generated value', () => {
  it('base64 of 64 bytes comes on two lines, and of the key only the first one arrives: keyturn makes one line (C-25)', async () => {
    const { read, store } = envFile('')
    sh('printf "JWT=%s\\n" "$(head -c 64 /dev/urandom | base64)" > .env')
    expect(read().trimEnd().split('\n')).toHaveLength(2)
    expect(parseEnv(read())['JWT']).toHaveLength(76)

    const value = makeValue({ name: 'jwt', format: 'base64', bytes: 64 })
    writeFileSync(join(base, '.env'), '')
    await write(store, { JWT: value })
    expect(parseEnv(read())['JWT']).toBe(value)
    expect(Buffer.from(parseEnv(read())['JWT'] ?? '', 'base64')).toHaveLength(64)
  })
})

describe('a userlist of PgBouncer', () => {
  it('`echo >>` adds a line at every run and leaves the dead one: keyturn replaces it, and a second run adds nothing (C-17)', async () => {
    const path = join(base, 'userlist.txt')
    writeFileSync(path, '"nova_old" "dead"\n"other" "x"\n', { mode: 0o600 })
    for (let run = 0; run < 2; run += 1) sh(`echo '"nova_new" "one"' >> userlist.txt`)
    expect(readFileSync(path, 'utf8').match(/nova_new/g)).toHaveLength(2)

    writeFileSync(path, '"nova" "dead"\n"other" "x"\n', { mode: 0o600 })
    const store = openUserlist(storeSchema.parse({ file: path, users: ['nova'] }), { base })
    for (let run = 0; run < 2; run += 1) await write(store, { user: 'nova', password: 'one' })
    expect(readFileSync(path, 'utf8')).toBe('"nova" "one"\n"other" "x"\n')
  })
})

describe('a secret in Vault', () => {
  it('`vault kv put` takes the other fields of the path away: keyturn patches its own, and never over the write of somebody else (C-20)', async () => {
    const vault = await reachFake()
    onTestFinished(() => vault.close())
    const ask = asker(vault.url, vault.root)
    const data = async (): Promise<unknown> => at(await ask('GET', 'team/data/atlas'), 'data', 'data')
    await ask('POST', 'sys/mounts/team', { type: 'kv', options: { version: '2' } })
    await ask('POST', 'team/data/atlas', { data: { api_key: 'one', organisation: 'ours' } })
    await ask('POST', 'team/data/atlas', { data: { api_key: 'two' } })
    expect(await data()).toEqual({ api_key: 'two' })

    await ask('POST', 'team/data/atlas', { data: { api_key: 'one', organisation: 'ours' } })
    const store = openVault(vaultSchema.parse({ address: vault.url, token: '${env:T}', path: 'team/atlas' }), hostOf({ '${env:T}': vault.root }))
    const { revision } = valueOf(await store.read(['api_key'], call()))
    await ask('POST', 'team/data/atlas', { data: { api_key: 'one', organisation: 'theirs' } })
    expect(await store.write({ api_key: new Secret('two') }, revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    await write(store, { api_key: 'two' })
    expect(await data()).toEqual({ api_key: 'two', organisation: 'theirs' })
  })
})

describe('what is cleaned up', () => {
  it('`rm` of three files fails when one of them was never made, and leaves the rest of the script undone: keyturn tidies what is there, as often as one likes (C-26)', async () => {
    writeFileSync(join(base, 'new-jwt-secret.txt'), generate(ALNUM, 24))
    expect(() => sh('set -e; rm new-jwt-secret.txt private.pem public.pem 2> /dev/null; touch finished')).toThrow(/Command failed/)
    expect(existsSync(join(base, 'finished'))).toBe(false)

    const { path, store } = envFile('X=1\n')
    valueOf(await store.tidy(call()))
    writeFileSync(tempOf(path), 'half of a value', { mode: 0o600 })
    for (let run = 0; run < 2; run += 1) valueOf(await store.tidy(call()))
    expect(readdirSync(base)).toEqual(['.env'])
  })
})
