import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Answer } from '../../kit/answer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import type { Store } from '../../kit/store.ts'
import { tempOf } from '../../outside/file/index.ts'
import { callWithin } from '../../testing/call.ts'
import { valueOf } from '../../testing/consumer.ts'
import { storeSuite } from '../../testing/store.ts'
import { openStore } from './index.ts'
import { type StoreConfig, storeSchema } from './manifest.ts'
import { cut, join as together } from './userlist.ts'

for (const way of ['replace', 'in-place'] as const) storeSuite(proving({ connector: 'pgbouncer', as: 'store', on: 'real files' }), `pgbouncer ${way} (S2-21)`, () => {
  const base = mkdtempSync(join(tmpdir(), 'keyturn-userlist-'))
  const path = join(base, 'userlist.txt')
  const lines = ['; poolers', '"pooladmin" "x"', '"app_20260101a" "one" ; ours', '"application" "say ""hi"""', '  "app"\t"SCRAM-SHA-256$4096:c2FsdA==$a:b"', '']
  writeFileSync(path, lines.join('\n'), { mode: 0o640 })
  const opened = (): Store => openStore(storeSchema.parse({ file: path, dated: 'app', write: way }), { base })
  return {
    store: opened(), again: opened, keys: ['user', 'password'],
    value: (key) => (key === 'user' ? `app_${generate('0123456789', 8)}${generate('abcdefgh', 1)}` : generate(ALNUM, 32)),
    siblings: () => readFileSync(path, 'latin1').split('\n').filter((line) => !line.startsWith('"app_2') && !/^"app_\d{8}/.test(line)).join('\n'),
    edit: () => writeFileSync(path, readFileSync(path, 'utf8').replace('; poolers', '; poolers!')),
    leave: () => writeFileSync(tempOf(path), 'half', { mode: 0o600 }),
    litter: () => readdirSync(base).length > 1,
    unreadable: { key: 'password', value: `md5${generate('0123456789abcdef', 32)}` },
    close: () => rmSync(base, { recursive: true, force: true }),
  }
})

describe('userlist.txt', () => {
  let base: string
  let path: string
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'keyturn-userlist-'))
    path = join(base, 'userlist.txt')
  })
  afterEach(() => rmSync(base, { recursive: true, force: true }))
  const call = () => callWithin(5_000)
  const open = (config: Partial<StoreConfig> = { users: ['app', 'app_alt'] }): Store => openStore(storeSchema.parse({ file: path, ...config }), { base })
  async function write(user: string, password: string, store: Store = open()): Promise<Answer<unknown>> {
    const { revision } = valueOf(await store.read([], call()))
    return store.write({ user: new Secret(user), password: new Secret(password) }, revision, call())
  }
  async function after(before: string, user: string, password: string, config?: Partial<StoreConfig>): Promise<string> {
    writeFileSync(path, before)
    valueOf(await write(user, password, open(config)))
    return readFileSync(path, 'utf8')
  }

  it('lets the other role of a pair in beside the one in use, whose clients are not moved yet (S2-21)', async () => {
    expect(await after('"x" "1"\n"app" "one"\n"y" "2"\n', 'app_alt', 'two')).toBe('"x" "1"\n"app" "one"\n"app_alt" "two"\n"y" "2"\n')
    expect(valueOf(await open().read(['user'], call())).entries['user']?.reveal()).toBe('app_alt')
  })

  it('writes the next password of the first role behind the one in use, and leaves none that is dead (S2-27)', async () => {
    expect(await after('"app" "one"\n"app_alt" "two"\n', 'app', 'three')).toBe('"app_alt" "two"\n"app" "three"\n')
    expect(await after('"app_20260101a" "1"\n"app_20260201a" "2"\n"app_20260201" "x"\n', 'app_20260301a', '3', { dated: 'app' }))
      .toBe('"app_20260201a" "2"\n"app_20260301a" "3"\n"app_20260201" "x"\n')
  })

  it('changes a password in place, and running twice adds nothing (S2-21, C-17)', async () => {
    const next = await after('; head\n  "app"   "one" ; ours\r\n', 'app', 'a"b')
    expect(next).toBe('; head\n  "app"   "a""b" ; ours\r\n')
    expect(await after(next, 'app', 'a"b')).toBe(next)
  })

  it('makes the first line at the end, and keeps mode and owner', async () => {
    writeFileSync(path, '"x" "1"')
    chmodSync(path, 0o640)
    const { uid, gid } = statSync(path)
    valueOf(await write('app', 'one'))
    expect(readFileSync(path, 'utf8')).toBe('"x" "1"\n"app" "one"\n')
    expect(statSync(path)).toMatchObject({ uid, gid })
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })

  it('refuses a line of ours that is a hash, and says how to mend it; those of others are no matter', async () => {
    for (const hash of ['SCRAM-SHA-256$4096:c2FsdA==$a:b', `md5${'0'.repeat(32)}`]) {
      writeFileSync(path, `"app" "${hash}"\n`)
      expect(await open().preflight(call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT', about: expect.stringContaining('restart PgBouncer once') })
      writeFileSync(path, `"x" "${hash}"\n"app" "one"\n`)
      expect((await open().preflight(call())).is).toBe('done')
    }
  })

  it('refuses a file that PgBouncer cannot read to its end, a role of others, and a password that looks like a hash', async () => {
    for (const broken of ['app one\n', '"app" "one\n', '"app"\n', '# no comment\n"app" "one"\n']) {
      writeFileSync(path, broken)
      expect(await open().preflight(call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    }
    for (const [key, value] of [['user', 'postgres'], ['password', 'SCRAM-SHA-256$x'], ['password', 'a\nb'], ['password', 'a'.repeat(2_048)], ['admin', 'x']] as const) {
      expect(open().accepts({ [key]: new Secret(value) }), key).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })
    }
  })

  it('needs to know which roles are its own', () => {
    expect(storeSchema.safeParse({ file: path }).success).toBe(false)
  })

  it('cuts any text so that the pieces give it back', () => {
    const parts = ['"a"', ' ', '"b ""c"""', '\n', ';', '\r\n', '\t', 'x', '""']
    const text = fc.array(fc.constantFrom(...parts), { maxLength: 20 }).map((all) => all.join(''))
    let read = 0
    const run = fc.check(fc.property(text, (all) => {
      const pieces = cut(all)
      read += pieces === undefined ? 0 : 1
      return pieces === undefined || together(pieces) === all
    }), { numRuns: 3_000 })
    expect(run.counterexample).toBeNull()
    expect(read).toBeGreaterThan(100)
  })
})
