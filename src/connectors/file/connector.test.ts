import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, linkSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { mountFile } from '../../../test/fixture/mounted-file.ts'
import type { Answer } from '../../kit/answer.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import type { Store } from '../../kit/store.ts'
import { type FilePort, tempOf, type Way } from '../../outside/file/index.ts'
import { callWithin } from '../../testing/call.ts'
import { faultyDisk } from '../../testing/disk.ts'
import { storeSuite, type StoreUnderTest } from '../../testing/store.ts'
import { openStore } from './index.ts'
import { storeConfig, type StoreConfig } from './manifest.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-file-store-'))
  file = join(folder, 'app.json')
  writeFileSync(file, '{"token": "old", "port": 1}\n', { mode: 0o600 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open(config: Partial<StoreConfig> = {}, port?: FilePort): Store {
  return openStore(storeConfig.parse({ file: 'app.json', format: 'json', ...config }), { base: folder }, port)
}

async function write(store: Store, patch: Readonly<Record<string, string | null>>): Promise<Answer<{ revision: string }>> {
  const seen = await store.read([], callWithin(10_000))
  if (seen.is !== 'done') return seen
  const secrets = Object.entries(patch).map(([key, value]) => [key, value === null ? null : new Secret(value)] as const)
  return store.write(Object.fromEntries(secrets), seen.value.revision, callWithin(10_000))
}

function block(label: string): string {
  const lines = randomBytes(96).toString('base64').match(/.{64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')
}

type World = Omit<StoreUnderTest, 'store' | 'again' | 'leave' | 'litter' | 'close'> & { readonly format: StoreConfig['format'] }

/** Files of every format with something in them, by what a suite needs of each. */
const WORLDS: Readonly<Record<StoreConfig['format'], (path: string) => World>> = {
  whole: (path) => {
    const secret = generate(ALNUM, 32)
    writeFileSync(path, `${secret}\n`)
    return {
      format: 'whole',
      keys: ['content'],
      siblings: () => readFileSync(path, 'utf8').replace(/^\w*/, ''),
      edit: () => writeFileSync(path, `${readFileSync(path, 'utf8').trim()}\r\n`),
      unreadable: { key: 'content', value: `${secret} ` },
    }
  },
  json: (path) => {
    const shown = { port: 5432, db: { password: generate(ALNUM, 32), 'old password': 'x', hosts: ['a', generate(ALNUM, 32)] } }
    writeFileSync(path, `${JSON.stringify(shown, null, 2)}\n`)
    const ours = /("(?:password|fresh)": "|"a",\s+")\w+/g
    return {
      format: 'json',
      keys: ['/db/password', 'db.hosts.1'],
      fresh: '/db/fresh',
      siblings: () => readFileSync(path, 'utf8').replaceAll(ours, '$1'),
      edit: () => writeFileSync(path, readFileSync(path, 'utf8').replace('5432', '5433')),
      unreadable: { key: '/db/password', value: `half a character \ud800` },
    }
  },
  pem: (path) => {
    const lines = ['# the server', block('CERTIFICATE'), 'issuer', block('CERTIFICATE'), block('PRIVATE KEY'), '']
    writeFileSync(path, lines.join('\n'))
    return {
      format: 'pem',
      keys: ['CERTIFICATE/1', 'CERTIFICATE/2', 'PRIVATE KEY'],
      fresh: 'EC PRIVATE KEY',
      value: (key) => block(key.replace(/\/\d+$/, '')),
      siblings: () => readFileSync(path, 'latin1').replaceAll(/^[\w+/=]{64}$/gm, ''),
      edit: () => writeFileSync(path, readFileSync(path, 'latin1').replace('# the server', '# a server')),
      unreadable: { key: 'PRIVATE KEY', value: block('RSA PRIVATE KEY') },
    }
  },
  creds: (path) => {
    const value = (key: string): string => (key === 'seed' ? `SU${generate('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 56)}` : [1, 2, 3].map(() => generate(ALNUM, 24)).join('.'))
    const lines = (title: string, text: string): string => `-----BEGIN ${title}-----\n${text}\n------END ${title}------\n`
    writeFileSync(path, `${lines('NATS USER JWT', value('jwt'))}\nKeep it.\n${lines('USER NKEY SEED', value('seed'))}`)
    return {
      format: 'creds',
      keys: ['jwt', 'seed'],
      value,
      siblings: () => readFileSync(path, 'utf8').replaceAll(/^[\w.]{58,}$/gm, ''),
      edit: () => writeFileSync(path, readFileSync(path, 'utf8').replace('Keep it.', 'Keep it well.')),
      unreadable: { key: 'seed', value: 'SAAA' },
    }
  },
}

for (const format of ['whole', 'json', 'pem', 'creds'] as const) {
  for (const way of ['replace', 'in-place'] as const) {
    storeSuite(proving({ connector: 'file', as: 'store', on: 'real files' }), `file ${format} ${way}`, () => {
      const base = mkdtempSync(join(tmpdir(), 'keyturn-file-suite-'))
      const path = join(base, 'secrets')
      const opened = (): Store => openStore({ file: path, format, write: way }, { base })
      return {
        ...WORLDS[format](path),
        store: opened(),
        again: opened,
        leave: () => writeFileSync(tempOf(path), 'half', { mode: 0o600 }),
        litter: () => readdirSync(base).length > 1,
        close: () => rmSync(base, { recursive: true, force: true }),
      }
    })
  }
}

describe('a file store', () => {
  it('says which file and which key, never a value', async () => {
    const answers = [
      await open().read(['/port'], callWithin(10_000)),
      await write(open(), { '/token': 'new\0value' }),
      open().accepts({ 'a..b': new Secret('new') }),
    ]
    expect(answers).toEqual([
      { is: 'refused', code: 'STORE_UNFIT', about: `${file}: /port is no string but: number` },
      { is: 'refused', code: 'VALUE_UNREADABLE', about: `${file}: /token: it holds a zero byte` },
      { is: 'refused', code: 'MANIFEST_INVALID', about: `${file}: a..b is no key; write a pointer such as \`/db/password\`, or a path such as \`db.password\`` },
    ])
  })

  it('refuses two keys that name one place, in every method', async () => {
    const both = { '/token': new Secret('a'), token: new Secret('b') }
    const { revision } = await open().read([], callWithin(10_000)).then((seen) => (seen.is === 'done' ? seen.value : { revision: '' }))
    for (const answer of [await open().read(['/token', 'token'], callWithin(10_000)), open().accepts(both), await open().write(both, revision, callWithin(10_000))]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'MANIFEST_INVALID', about: `${file}: /token and token name one place` })
    }
    expect(readFileSync(file, 'utf8')).toContain('old')
  })

  it('replaces certificate and key of a bundle at once, and leaves the rest (S0-43)', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trimEnd()
    const [cert, next, chain] = [block('CERTIFICATE'), block('CERTIFICATE'), block('CERTIFICATE')]
    writeFileSync(file, ['', cert, 'chain', chain, block('PRIVATE KEY'), ''].join('\r\n').replaceAll(/\r?\n/g, '\r\n'))
    expect((await write(open({ format: 'pem' }), { 'CERTIFICATE/1': next, 'PRIVATE KEY': key })).is).toBe('done')
    expect(readFileSync(file, 'utf8')).toBe(['', next, 'chain', chain, key, ''].join('\n').replaceAll('\n', '\r\n'))
  })

  it('does not write the same again', async () => {
    const before = statSync(file).ino
    expect((await write(open(), { token: 'old' })).is).toBe('done')
    expect(statSync(file).ino).toBe(before)
    expect((await write(open(), { token: 'new' })).is).toBe('done')
    expect(statSync(file).ino).not.toBe(before)
  })

  it('refuses a value that it would not read again, and says CONFLICT before it looks at what another one wrote', async () => {
    expect(await write(open({ format: 'whole' }), { content: '' })).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE', about: `${file}: content: it is not read as it is written` })
    const late = await open().read([], callWithin(10_000))
    writeFileSync(file, 'no JSON')
    const answer = await open().write({ token: new Secret('new') }, late.is === 'done' ? late.value.revision : '', callWithin(10_000))
    expect(answer).toMatchObject({ is: 'refused', code: 'CONFLICT' })
  })

  it('is one store for every way to the file, whatever its format', () => {
    symlinkSync('app.json', join(folder, 'link'))
    const identities = [open(), open({ file: 'link', format: 'whole' }), open({ file, write: 'in-place' })].map((store) => store.identity())
    expect(new Set(identities).size).toBe(1)
  })

  it('takes `exact` with a whole file only', () => {
    expect(storeConfig.safeParse({ file: 'x', format: 'whole', exact: true }).success).toBe(true)
    expect(storeConfig.safeParse({ file: 'x', format: 'json', exact: true }).success).toBe(false)
  })
})

describe('a file store before a rotation', () => {
  const preflight = (config: Partial<StoreConfig> = {}, port?: FilePort): ReturnType<Store['preflight']> => open(config, port).preflight(callWithin(10_000))

  it('has nothing to say of a file that is fit', async () => {
    expect(await preflight()).toEqual({ is: 'done', value: { notices: [] } })
    expect(await preflight({ write: 'in-place' })).toEqual({ is: 'done', value: { notices: [] } })
  })

  it('refuses what is no safe place: missing, an example, tracked or not ignored by git (S0-04, S0-05)', async () => {
    expect(await preflight({ file: 'none' })).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    writeFileSync(join(folder, 'app.json.example'), '{}')
    expect(await preflight({ file: 'app.json.example' })).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    expect(await write(open({ file: 'app.json.example' }), { token: 'x' })).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    execFileSync('git', ['-C', folder, 'init', '-q'])
    expect(await preflight()).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
  })

  it.each(['json', 'pem', 'whole', 'creds'] as const)('refuses a file that is no %s', async (format) => {
    writeFileSync(file, format === 'whole' ? Buffer.from([0xff, 0xfe]) : '-----BEGIN X-----\n')
    expect(await preflight({ format })).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  })

  it('refuses a second name of the file where it is replaced, and tells of it where it is written in place', async () => {
    linkSync(file, join(folder, 'other'))
    expect(await preflight()).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
    expect(JSON.stringify(await preflight({ write: 'in-place' }))).toContain('2 names (hard links)')
    expect((await write(open({ write: 'in-place' }), { token: 'new' })).is).toBe('done')
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('{"token": "new", "port": 1}\n')
  })
})

describe('a file that is mounted by itself (S0-50)', () => {
  /** Preflight and a write from inside of where the file is mounted. */
  async function inside(way: Way): Promise<{ answers: unknown; read: string }> {
    const container = await mountFile(file, file)
    if (container === undefined) {
      // Without the right to mount, the port says what the kernel would.
      const table = `1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 ${file} ${file} rw - ext4 /dev/sda1 rw\n`
      const kernel = faultyDisk({ rename: 'EBUSY' })
      const port: FilePort = { ...kernel, list: async () => [], read: async (path) => (path.startsWith('/proc/') ? Buffer.from(table) : kernel.read(path)) }
      const store = open({ write: way }, port)
      const preflight = await store.preflight(callWithin(10_000))
      return { answers: [preflight, await write(store, { token: 'new' })], read: readFileSync(file, 'utf8') }
    }
    const module = (path: string): string => pathToFileURL(join(import.meta.dirname, path)).href
    const said = await container.run(`
      import { openStore } from '${module('index.ts')}'
      import { Secret } from '${module('../../kit/secret.ts')}'
      const store = openStore({ file: ${JSON.stringify(file)}, format: 'json', write: '${way}' }, { base: '/' })
      const call = { signal: AbortSignal.timeout(10_000), deadline: Date.now() + 10_000, fence: 1 }
      const preflight = await store.preflight(call)
      const { value: { revision } } = await store.read([], call)
      console.log(JSON.stringify([preflight, await store.write({ token: new Secret('new') }, revision, call)]))`)
    return { answers: JSON.parse(said), read: container.read(file) }
  }

  it('cannot be replaced: preflight says so and what to do, and write changes nothing', async () => {
    const { answers, read } = await inside('replace')
    const about = `${file} is mounted by itself, so it cannot be replaced: mount its folder, or say \`write: in-place\``
    expect(answers).toMatchObject([{ is: 'refused', code: 'STORE_UNSAFE', about }, { is: 'refused', code: 'STORE_DENIED' }])
    expect(read).toContain('old')
    expect(readdirSync(folder)).toEqual(['app.json'])
  })

  it('is written in place when the manifest says so, and everybody who has it mounted sees it', async () => {
    const { ino } = statSync(file)
    const { answers, read } = await inside('in-place')
    expect(answers).toMatchObject([{ is: 'done' }, { is: 'done' }])
    expect(read).toBe('{"token": "new", "port": 1}\n')
    expect(readFileSync(file, 'utf8')).toBe(read)
    expect(statSync(file).ino).toBe(ino)
    expect(readdirSync(folder)).toEqual(['app.json'])
  })

  it('by a container is told of: one that keeps the old inode when it is replaced, and one that has done so', async () => {
    const at = join(folder, 'inside')
    writeFileSync(at, '')
    const container = await mountFile(file, at)
    const table = (root: string): FilePort => ({
      ...faultyDisk({}),
      list: async () => ['9'],
      read: async (path) => Buffer.from(path.startsWith('/proc/') ? `1 0 8:1 ${path.includes('self') ? '/' : root} / rw - ext4 - rw\n` : readFileSync(path)),
    })
    const notices = async (port: FilePort | undefined, way: Way): Promise<string> => JSON.stringify(await open({ write: way }, port).preflight(callWithin(10_000)))
    const [now, later] = container === undefined ? [table(file), table(`${file}//deleted`)] : [undefined, undefined]
    expect(await notices(now, 'replace')).toContain('such a container keeps the old content until it is restarted')
    expect(await notices(now, 'in-place')).toContain('"notices":[]')
    expect((await write(open(), { token: 'new' })).is).toBe('done')
    if (container !== undefined) expect(container.read(at)).toContain('old')
    expect(await notices(later, 'replace')).toContain('hold an older')
  })
})

describe('faults', () => {
  it.each([
    ['create', 'ENOSPC', 'replace', 'STORE_FULL'],
    ['half-write', 'ENOSPC', 'replace', 'STORE_FULL'],
    ['create', 'EROFS', 'replace', 'STORE_DENIED'],
    ['half-write', 'ENOSPC', 'in-place', 'STORE_FULL'],
    ['edit', 'EROFS', 'in-place', 'STORE_DENIED'],
  ] as const)('%s %s when written by %s: refused, the old content untouched', async (step, errno, way, code) => {
    expect(await write(open({ write: way }, faultyDisk({ [step]: errno })), { token: 'new' })).toMatchObject({ is: 'refused', code })
    expect(readFileSync(file, 'utf8')).toBe('{"token": "old", "port": 1}\n')
    expect(readdirSync(folder)).toEqual(['app.json'])
  })

  it('a person\'s edit between our look and the write survives', async () => {
    for (const [way, step] of [['replace', 'sync'], ['in-place', 'edit']] as const) {
      writeFileSync(file, '{"token": "old"}')
      const port = faultyDisk({ [step]: () => writeFileSync(file, '{"token": "old", "mine": 1}') })
      expect(await write(open({ write: way }, port), { token: 'new' })).toMatchObject({ is: 'refused', code: 'CONFLICT' })
      expect(readFileSync(file, 'utf8')).toBe('{"token": "old", "mine": 1}')
    }
  })

  it('killed in the middle of a write in place: tidy puts the old content back, then the write goes on', async () => {
    await write(open({ write: 'in-place' }, faultyDisk({ 'half-overwrite': 'killed' })), { token: 'a much longer value' })
    expect(readFileSync(file, 'utf8')).not.toBe('{"token": "old", "port": 1}\n')
    expect(lstatSync(tempOf(file)).mode & 0o777).toBe(0o600)
    expect((await open({ write: 'in-place' }).tidy(callWithin(10_000))).is).toBe('done')
    expect(readFileSync(file, 'utf8')).toBe('{"token": "old", "port": 1}\n')
    expect(existsSync(tempOf(file))).toBe(false)
    expect((await write(open({ write: 'in-place' }), { token: 'new' })).is).toBe('done')
  })
})
