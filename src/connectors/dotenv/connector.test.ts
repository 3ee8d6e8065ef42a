import { execFileSync } from 'node:child_process'
import {
  chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync,
  symlinkSync, writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Answer } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { type FilePort, tempOf } from '../../outside/file/index.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import type { Store } from '../../kit/store.ts'
import { faultyDisk } from '../../testing/disk.ts'
import { storeSuite } from '../../testing/store.ts'
import { cut, join as together } from './document.ts'
import { openStore } from './index.ts'
import { storeConfig, type StoreConfig } from './manifest.ts'

type Changes = Readonly<Record<string, string | null>>

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-dotenv-'))
  file = join(folder, '.env')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const call: Call = { signal: new AbortController().signal, deadline: Date.now() + 60_000, fence: 1 }

function open(config: Partial<StoreConfig> = {}, port?: FilePort): Store {
  return openStore(storeConfig.parse({ file: '.env', ...config }), { base: folder }, port)
}

/** Writes a file, patches it, gives back what is there then. */
async function patched(before: string, patch: Changes, config: Partial<StoreConfig> = {}): Promise<string> {
  writeFileSync(file, before, 'latin1')
  must(await write(open(config), patch))
  return readFileSync(file, 'latin1')
}

async function write(store: Store, patch: Changes): Promise<Answer<{ revision: string }>> {
  const { revision } = must(await store.read([], call))
  const secrets = Object.entries(patch).map(([key, value]) => [key, value === null ? null : new Secret(value)] as const)
  return store.write(Object.fromEntries(secrets), revision, call)
}

async function readBack(key: string, config: Partial<StoreConfig> = {}): Promise<string | undefined> {
  return must(await open(config).read([key], call)).entries[key]?.reveal()
}

function must<T>(answer: Answer<T>): T {
  if (answer.is === 'done') return answer.value
  throw new Error(JSON.stringify(answer))
}

for (const way of ['replace', 'in-place'] as const) storeSuite(proving({ connector: 'dotenv', as: 'store', on: 'real files' }), `dotenv ${way}`, () => {
  const base = mkdtempSync(join(tmpdir(), 'keyturn-dotenv-suite-'))
  const path = join(base, '.env')
  const [one, two] = [generate(ALNUM, 32), generate(ALNUM, 32)]
  const lines = ['# head', `DB_PASSWORD=${one}`, `NEO4J_DB_PASSWORD="${two}" # graph`, 'OTHER=\'x y\'', '']
  writeFileSync(path, lines.join('\n'), { mode: 0o600 })
  const opened = (): Store => openStore({ file: path, write: way }, { base })
  return {
    store: opened(),
    keys: ['DB_PASSWORD', 'NEO4J_DB_PASSWORD'],
    fresh: 'PASSWORD',
    again: opened,
    siblings: () => readFileSync(path, 'latin1').replaceAll(/^((?:NEO4J_)?DB_PASSWORD=["']?)\w+/gm, '$1'),
    edit: () => writeFileSync(path, readFileSync(path, 'utf8').replace('# head', '# head!')),
    leave: () => writeFileSync(tempOf(path), 'half', { mode: 0o600 }),
    litter: () => readdirSync(base).length > 1,
    unreadable: { key: 'DB_PASSWORD', value: 'both\'and"' + '`'.repeat(5) + '$' },
    close: () => rmSync(base, { recursive: true, force: true }),
  }
})

describe('write keeps every other byte', () => {
  it('keeps comments, order, blanks and other lines (S0-17, S0-33, C-14)', async () => {
    const before = '# The database\n\nDB_PASSWORD=old # rotated by keyturn\n  NEXT = "a  b"\n\n#DB_PASSWORD=dead\nLAST=1'
    expect(await patched(before, { DB_PASSWORD: 'new' })).toBe(before.replace('=old', '=new'))
  })

  it('never touches a key that holds the name of ours (C-14)', async () => {
    const before = 'NEO4J_DB_PASSWORD=a\nDB_PASSWORD_OLD=b\nDB_PASSWORD=c\nX=DB_PASSWORD=d\nAZURE_OPENAI_API_KEY=e\n'
    expect(await patched(before, { DB_PASSWORD: 'n&/\\1w' })).toBe(before.replace('\nDB_PASSWORD=c', '\nDB_PASSWORD=\'n&/\\1w\''))
    expect(await patched(before, { OPENAI_API_KEY: 'f' })).toBe(`${before}OPENAI_API_KEY=f\n`)
  })

  it.each([
    ['export A=old\n', 'export A=new\n'],
    ['export  A="old"  # note\n', 'export  A="new"  # note\n'],
    ['A=\'old\'\n', 'A=\'new\'\n'],
    ['A=""\n', 'A="new"\n'],
    ['A=\n', 'A=new\n'],
    ['A= # empty\n', 'A=new # empty\n'],
    ['\ufeffA=old\n', '\ufeffA=new\n'],
    ['A="one\ntwo" # three\nB=1\n', 'A="new" # three\nB=1\n'],
    ['A="say \\"hi\\""\n', 'A="new"\n'],
  ])('keeps how %j is written', async (before, after) => {
    const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
    expect(await patched(bytes(before), { A: 'new' })).toBe(bytes(after))
  })

  it('writes KEY=value where a declared reader cannot read the line as it was written', async () => {
    expect(await patched('A = old\n', { A: 'new' })).toBe('A=new\n')
    expect(await patched('A = old\n', { A: 'new' }, { readers: ['node'] })).toBe('A = new\n')
    expect(await patched('A: old\n', { A: 'new' })).toBe('A=new\n')
  })

  it('changes the quotes where the old ones cannot hold the new value', async () => {
    expect(await patched('A="old" # note\n', { A: 'n$w' })).toBe('A=\'n$w\' # note\n')
    expect(await patched('A=\'old\'\n', { A: 'it\'s' })).toBe('A="it\'s"\n')
  })

  it('keeps CRLF, in changed lines and in new ones', async () => {
    expect(await patched('A=old\r\n# c\r\nB=1\r\n', { A: 'new', C: 'x' })).toBe('A=new\r\n# c\r\nB=1\r\nC=x\r\n')
  })

  it('changes every line of a key that is there twice, so that no stale value stays', async () => {
    expect(await patched('A=1\nB=2\nA=\'3\'\n', { A: 'new' })).toBe('A=\'new\'\nB=2\nA=\'new\'\n')
  })

  it('adds a key at the end, with a line end before it when there was none', async () => {
    expect(await patched('A=1', { B: '2' })).toBe('A=1\nB=2\n')
    expect(await patched('', { B: '2' })).toBe('B=2\n')
  })

  it('takes a key away with its line, wherever it is', async () => {
    expect(await patched('# head\nA=1\nB="x\ny" # c\nA=2\n# tail\n', { A: null })).toBe('# head\nB="x\ny" # c\n# tail\n')
    expect(await patched('B="x\ny" # c\nA=2', { B: null })).toBe('A=2')
  })

  it('does not take a line in a value of many lines for a key', async () => {
    const before = 'PEM="-----BEGIN\nA=inner\n-----END"\nA=old\n'
    expect(await patched(before, { A: 'new' })).toBe(before.replace('A=old', 'A=new'))
  })

  it('keeps bytes that are no UTF-8, in comments and in values', async () => {
    expect(await patched('# \xff\xfe\nX=\xe9\nA=old\n', { A: 'gr\u00fcn' })).toBe('# \xff\xfe\nX=\xe9\nA=gr\xc3\xbcn\n')
  })

  it('cuts any text so that the pieces give it back', () => {
    const parts = ['A=', 'export ', '"', '\'', '\\', '\n', '\r\n', ' #', ' ', '=', 'x', ':', '\t', '\xef\xbb\xbf', '$', '\r']
    const text = fc.array(fc.constantFrom(...parts), { maxLength: 30 }).map((all) => all.join(''))
    expect(fc.check(fc.property(text, (all) => together(cut(all)) === all), { numRuns: 2000 }).counterexample).toBeNull()
  })

  it('keeps mode and owner, and the link that leads to the file', async () => {
    writeFileSync(join(folder, 'real'), 'A=old\n')
    chmodSync(join(folder, 'real'), 0o640)
    symlinkSync('real', file)
    const { uid, gid } = statSync(file)
    must(await write(open(), { A: 'new' }))
    expect(lstatSync(file).isSymbolicLink()).toBe(true)
    expect(statSync(join(folder, 'real'))).toMatchObject({ uid, gid })
    expect(statSync(file).mode & 0o7777).toBe(0o640)
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('A=new\n')
  })

  it('what was written is what is read, and nothing else changed, for any value in any file', async () => {
    const ours = ['A=old\n', 'A="old" # n\n']
    const parts = [...ours, 'B=1\n', 'export C="x"\n', '# c\n', '\n', 'D=\'two\nlines\'\n', 'E=a b\n', 'F=p&q\n']
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a b', 'x#y', 'a $b', 'it\'s', '"', '&/\\1', '\n'))
    let written = 0
    const run = await fc.check(
      fc.asyncProperty(fc.array(fc.constantFrom(...parts), { maxLength: 6 }), value, async (lines, given) => {
        writeFileSync(file, lines.join(''))
        const before = cut(lines.join('')).filter((piece) => piece.key !== 'A')
        const answer = await write(open(), { A: given })
        const after = readFileSync(file, 'latin1')
        if (answer.is === 'done') {
          written += 1
          return (await readBack('A')) === given && together(cut(after).filter((piece) => piece.key !== 'A')) === together(before)
        }
        return answer.is === 'refused' && answer.code === 'VALUE_UNREADABLE' && after === lines.join('')
      }),
      { numRuns: 150 },
    )
    expect(run.counterexample).toBeNull()
    expect(written).toBeGreaterThan(30)
  })
})

describe('read', () => {
  it('takes the last of several lines, without quotes and comments', async () => {
    writeFileSync(file, 'A=1\nexport A=\'two words\' # note\n')
    expect(await readBack('A')).toBe('two words')
  })

  it('refuses a value that its readers do not read the same, or that depends on other variables', async () => {
    writeFileSync(file, 'A="x\\"y"\nB=pre-$HOME\nC=ok\n')
    const about = 'A for compose, node, python, sh'
    expect(await open().read(['A'], call)).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE', about })
    expect(await open({ readers: ['sh'] }).read(['B'], call)).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })
    expect(await readBack('A', { readers: ['compose', 'python', 'sh'] })).toBe('x"y')
    expect(await readBack('C')).toBe('ok')
  })

  it('refuses a file that a declared reader cannot read', async () => {
    writeFileSync(file, 'A=1\nthis is no line\n')
    expect(await open({ readers: ['compose'] }).read(['A'], call)).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })
    expect(await readBack('A')).toBe('1')
  })
})

describe('a value that a reader would misread is refused', () => {
  it('names key and reader, never the value', () => {
    const value = 'k7\'"$x'
    const answer = open().accepts({ DB_DSN: new Secret(value) })
    expect(answer).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE' })
    expect(JSON.stringify(answer)).toMatch(/DB_DSN for (compose|node|python|sh)/)
    expect(JSON.stringify(answer)).not.toContain(value)
    expect(open({ readers: ['compose', 'sh'] }).accepts({ DB_DSN: new Secret(value) }).is).toBe('done')
  })

  it('refuses an edit that would change what a reader has for another key', async () => {
    const before = 'C=`one\nA=two\nthree`\n'
    writeFileSync(file, before)
    const taken = await write(open({ readers: ['node'] }), { A: null })
    expect(taken).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE', about: 'A for node' })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('minds a reader that could not read the file before and can by the edit', async () => {
    expect(await patched('A=old\nF=p&q\nA=old\n', { A: 'it\'s' })).toBe('A="it\'s"\nF=p&q\nA="it\'s"\n')
    expect(await readBack('A')).toBe('it\'s')
  })

  it('refuses an edit that a reader would not see, because of a quote before it that is open', async () => {
    writeFileSync(file, 'B=1\nC=\'open\n')
    const answer = await write(open({ readers: ['python'] }), { A: 'it\'s' })
    expect(answer).toMatchObject({ is: 'refused', code: 'VALUE_UNREADABLE', about: 'A for python' })
    expect(readFileSync(file, 'utf8')).toBe('B=1\nC=\'open\n')
  })
})

describe('preflight', () => {
  const git = (...words: string[]): unknown => execFileSync('git', ['-C', folder, ...words], { stdio: 'pipe' })
  const code = async (config: Partial<StoreConfig> = {}, port?: FilePort): Promise<string> => {
    const answer = await open(config, port).preflight(call)
    return answer.is === 'refused' ? answer.code : answer.is
  }

  it('needs the file to be there', async () => {
    expect(await code()).toBe('STORE_MISSING')
    mkdirSync(file)
    expect(await code()).toBe('STORE_UNSAFE')
  })

  it('refuses examples, also behind a link, and write refuses them too (S0-05)', async () => {
    for (const name of ['.env.example', '.env.sample', 'env.template']) {
      writeFileSync(join(folder, name), 'A=1\n', { mode: 0o600 })
      expect(await code({ file: name })).toBe('STORE_UNSAFE')
      expect(await write(open({ file: name }), { A: '2' })).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
      expect(readFileSync(join(folder, name), 'utf8')).toBe('A=1\n')
    }
    symlinkSync('.env.example', file)
    expect(await code()).toBe('STORE_UNSAFE')
    expect(await write(open(), { A: '2' })).toMatchObject({ is: 'refused', code: 'STORE_UNSAFE' })
  })

  it('refuses a file that git tracks or does not ignore (S0-04)', async () => {
    writeFileSync(file, 'A=1\n', { mode: 0o600 })
    expect(await open().preflight(call)).toEqual({ is: 'done', value: { notices: [] } })
    git('init', '-q')
    expect(await code()).toBe('STORE_UNSAFE')
    writeFileSync(join(folder, '.gitignore'), '*.keyturn-tmp\n.env\n')
    expect(await open().preflight(call)).toEqual({ is: 'done', value: { notices: [] } })
    writeFileSync(join(folder, '.gitignore'), '.env\n')
    expect(JSON.stringify(await open().preflight(call))).toContain('add *.keyturn-tmp to .gitignore')
    git('add', '-f', '.env')
    expect(await code()).toBe('STORE_UNSAFE')
  })

  it('asks git about the file behind the link, not about the link (S0-04)', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'keyturn-outside-'))
    try {
      writeFileSync(join(outside, '.env'), 'A=1\n', { mode: 0o600 })
      git('init', '-q')
      symlinkSync(join(outside, '.env'), file)
      git('add', '.env')
      expect(await code()).toBe('done')
    } finally {
      rmSync(outside, { recursive: true, force: true })
    }
  })

  it('tells of a mode that lets others read, and never changes it', async () => {
    writeFileSync(file, 'A=1\n')
    chmodSync(file, 0o644)
    expect(JSON.stringify(await open().preflight(call))).toContain('mode 0644')
    must(await write(open(), { A: '2' }))
    expect(statSync(file).mode & 0o7777).toBe(0o644)
  })

  it('needs the right to write', async () => {
    writeFileSync(file, 'A=1\n', { mode: 0o600 })
    for (const errno of ['EACCES', 'EROFS']) expect(await code({}, faultyDisk({ writable: errno }))).toBe('STORE_DENIED')
    expect(await code({}, faultyDisk({ read: 'EACCES' }))).toBe('STORE_DENIED')
  })

  it('names the readers that cannot read the file; declared ones are refused', async () => {
    writeFileSync(file, 'A=p&q\r\n', { mode: 0o600 })
    expect(JSON.stringify(await open().preflight(call))).toContain('sh cannot read')
    expect(await code({ readers: ['sh'] })).toBe('VALUE_UNREADABLE')
    expect(await code({ readers: ['compose', 'node'] })).toBe('done')
  })
})

describe('faults', () => {
  it.each([
    ['half-write', 'ENOSPC', 'STORE_FULL'],
    ['create', 'EACCES', 'STORE_DENIED'],
    ['create', 'EROFS', 'STORE_DENIED'],
  ] as const)('%s %s: refused, the old content untouched', async (step, errno, code) => {
    writeFileSync(file, 'A=old\n')
    expect(await write(open({}, faultyDisk({ [step]: errno })), { A: 'new' })).toMatchObject({ is: 'refused', code })
    expect(readFileSync(file, 'utf8')).toBe('A=old\n')
    expect(readdirSync(folder)).toEqual(['.env'])
  })

  it('a person\'s edit between our look and the rename survives', async () => {
    writeFileSync(file, 'A=old\n')
    const port = faultyDisk({ sync: () => writeFileSync(file, 'A=old\nMINE=1\n') })
    expect(await write(open({}, port), { A: 'new' })).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(readFileSync(file, 'utf8')).toBe('A=old\nMINE=1\n')
  })

  it('killed before the rename: the old file, the temp file is 0600 and tidy takes it away', async () => {
    writeFileSync(file, 'A=old\n', { mode: 0o600 })
    await write(open({}, faultyDisk({ rename: 'killed' })), { A: 'new' })
    expect(readFileSync(file, 'utf8')).toBe('A=old\n')
    expect(statSync(tempOf(file)).mode & 0o777).toBe(0o600)
    must(await open().tidy(call))
    expect(existsSync(tempOf(file))).toBe(false)
    must(await write(open(), { A: 'new' }))
    expect(readFileSync(file, 'utf8')).toBe('A=new\n')
  })
})

describe('identity', () => {
  it('is one for every way to the file, also before it exists', () => {
    const early = open().identity()
    writeFileSync(file, '')
    symlinkSync('.env', join(folder, 'link'))
    mkdirSync(join(folder, 'sub'))
    symlinkSync(folder, join(folder, 'sub', 'up'))
    const keys = [early, ...['.env', './sub/../.env', 'link', file, 'sub/up/.env'].map((way) => open({ file: way }).identity())]
    expect(new Set(keys).size).toBe(1)
    expect(open({ file: 'other' }).identity()).not.toBe(keys[0])
  })

  it('starts at the home folder with a tilde', () => {
    expect(open({ file: '~/x/.env' }).title()).toBe(`dotenv ${homedir()}/x/.env`)
  })
})
