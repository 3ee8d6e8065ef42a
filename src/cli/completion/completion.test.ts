import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openOne } from '../../../test/fixture/state.ts'
import { startKeyturn } from '../../../test/worlds/keyturn.ts'
import { findCommand } from '../../outside/process/command.ts'
import { openState } from '../../state/open.ts'
import { COMMANDS } from '../commands.ts'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { verbSpecs } from './spec.ts'
import { zshScript } from './zsh.ts'

const MANIFEST = `version: 1
system: shop
environment: staging
secrets:
  session-key: { issuer: { use: random, format: hex, name: a }, stores: [] }
  cache: { issuer: { use: random`

const verbs = COMMANDS.filter((entry) => entry.hidden !== true).map(({ words }) => words.split(' ')[0] ?? '')
let folder = ''
let path = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-completion-'))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'keyturn'), `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, '../../../bin/keyturn.js')}' "$@"\n`)
  chmodSync(join(bin, 'keyturn'), 0o755)
  path = `${bin}${delimiter}${process.env['PATH'] ?? ''}`
  // As it is while somebody is writing it: the last line is not whole.
  writeFileSync(join(folder, 'keyturn.yaml'), MANIFEST)
  const state = await openState(join(folder, '.keyturn'), join(folder, 'identity'), true)
  await openOne(state, 'cache-20260101-abcdef', { secret: 'cache', system: 'shop' })
  await openOne(state, 'other-20260101-abcdef', { secret: 'other', system: 'elsewhere' })
  await state.close()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function shell(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: 'utf8', env: { HOME: folder, PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** What is offered for a command line, the last word of which is at hand. */
const OFFERS: readonly (readonly [line: readonly string[], offers: readonly string[]])[] = [
  [['rot'], ['rotate']],
  [['rotate', ''], ['session-key', 'cache']],
  [['rotate', 'ses'], ['session-key']],
  [['rotate', 'cache', ''], []],
  [['rotate', '--pl'], ['--plan']],
  [['rotate', '--reason', 'because', 'ca'], ['cache']],
  [['rotate', '--manifest', '/nowhere.yaml', ''], []],
  [['resume', ''], ['cache', 'cache-20260101-abcdef']],
  [['audit', 'v'], ['verify']],
  [['exec', '--only', 'cache,ses'], ['cache,session-key']],
  [['help', 'histo'], ['history']],
]

describe('bash', () => {
  /** What the function offers for each of these lines, as readline would hand them over. */
  const offered = (...lines: readonly (readonly string[])[]): string[] => {
    writeFileSync(join(folder, 'completion.bash'), bashScript(verbSpecs()))
    const asks = lines.map((line) => `COMP_WORDS=(keyturn ${line.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${line.length}; _keyturn keyturn; echo "\${COMPREPLY[*]}"`)
    return shell('bash', ['--norc', '--noprofile', '-c', `. ./completion.bash\ncompopt() { echo "compopt $*"; }\n${asks.join('\n')}`]).trimEnd().split('\n')
  }

  it.each(OFFERS)('completes keyturn %j with %j', (line, offers) => {
    expect(offered(line)).toEqual([offers.join(' ')])
  })

  it('takes --option=value apart as readline does, and asks readline for files', () => {
    expect(offered(['rotate', '--manifest', '=', 'keyturn.yaml', 'ses'], ['exec', '--only', '=', 'ca'])).toEqual(['session-key', 'cache'])
    expect(offered(['plan', '--out', 'keyturn.y'])).toEqual(['compopt -o default'])
    expect(offered(['exec', '--', 'env', 'keyturn.y'])).toEqual(['compopt -o default'])
    expect(offered(['exec', '--', 'keytur'])).toEqual(['keyturn'])
  })
})

/** Stubs of the completion system of zsh that print what they are asked for; the script keeps to what both shells read the same. */
const STUBS = `
compdef() { registered="$*"; }
_arguments() { printf '_arguments %s\\n' "$@"; state=rest; }
compadd() { while [ "$1" != -- ]; do shift; done; shift; printf 'compadd %s\\n' "$@"; }
_describe() { local list=$4[@]; printf '_describe %s\\n' "\${!list}"; }
`

describe('zsh', () => {
  const script = zshScript(verbSpecs())
  const stubbed = (body: string): string[] => shell('bash', ['--norc', '-c', `${STUBS}\n${script}\n${body}`]).split('\n')

  it('registers itself, offers every command, and of a command its options and places', () => {
    expect(stubbed('echo "$registered"')[0]).toBe('_keyturn keyturn')
    const described = stubbed('_keyturn_verbs').filter((line) => line.startsWith('_describe ')).map((line) => /^_describe ([\w_]+):/.exec(line)?.[1])
    expect(described).toEqual([...verbs, 'help'])
    const offered = stubbed('words=(- rotate); _keyturn')
    expect(offered).toContain('_arguments --plan[refuse (3) when the world is no longer the one of this plan]:file:_files')
    expect(offered).toContain('_arguments 1:secret:_keyturn_secrets')
    expect(stubbed('words=(- audit); _keyturn')).toContain('_arguments 1:word:(verify export)')
    expect(stubbed('words=(- exec); _keyturn')).toContain('_arguments *::argument:_normal')
  })

  it('asks keyturn for secrets and open rotations', () => {
    expect(stubbed('_keyturn_secrets')).toEqual(['compadd session-key', 'compadd cache', ''])
    expect(stubbed('_keyturn_rotations')).toEqual(['compadd cache', 'compadd cache-20260101-abcdef', ''])
  })
})

/** The words of fish's lines: quotes taken off, everything else as it is. Throws where a quote or a bracket does not close. */
function fishWords(line: string): string[] {
  const words = [...line.matchAll(/(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/g)].map(([word]) => word)
  if (/['"]/.test(line.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\\./g, ''))) throw new Error(`a quote does not close: ${line}`)
  return words.map((word) => word.replaceAll(/'((?:[^'\\]|\\.)*)'/g, (_, inner: string) => inner.replaceAll(/\\([\\'])/g, '$1')))
}

describe('fish', () => {
  const lines = fishScript(verbSpecs()).split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))

  it('has whole lines and blocks', () => {
    const heads = lines.flatMap((line) => fishWords(line.trim())[0] ?? [])
    const opened = lines.filter((line) => /^\s*(function|for|if|begin|or begin|and begin)\b/.test(line)).length
    expect(heads.filter((head) => head === 'end').length).toBe(opened)
    expect(() => fishWords("complete -c keyturn -d 'it's'")).toThrow(/does not close/)
  })

  it('offers every command once, and of a command its options and places', () => {
    const offered = lines.map(fishWords).filter(([head]) => head === 'complete')
    const at = (condition: string): string[][] => offered.filter((words) => words[words.indexOf('-n') + 1] === condition)
    expect(at('test (count (__keyturn_places)) -eq 0').flatMap((words) => (words.includes('-a') ? words[words.indexOf('-a') + 1] ?? [] : []))).toEqual([...verbs, 'help'])
    expect(at('__keyturn_at rotate 0')).toEqual([['complete', '-c', 'keyturn', '-n', '__keyturn_at rotate 0', '-a', '(__keyturn_look secrets)']])
    expect(at('__keyturn_in rotate').map((words) => words[words.indexOf('-l') + 1])).toEqual(expect.arrayContaining(['wait', 'plan', 'manifest', 'json']))
  })
})

/** The other shells, where they are installed. */
const installed = (name: string): string[] => [findCommand(name, '/', process.env['PATH'] ?? '') ?? []].flat()

describe.each(installed('zsh'))('in %s', (zsh) => {
  it('the script parses and registers itself', () => {
    writeFileSync(join(folder, '_keyturn'), zshScript(verbSpecs()))
    expect(shell(zsh, ['-f', '-c', 'autoload -U compinit && compinit -u -D; source ./_keyturn; print -r -- $_comps[keyturn]'])).toBe('_keyturn\n')
  })
})

describe.each(installed('fish'))('in %s', (fish) => {
  it.each(OFFERS)('keyturn %j is completed with %j', (line, offers) => {
    const said = shell(fish, ['--no-config', '-c', `keyturn completion fish | source; complete -C '${['keyturn', ...line].join(' ')}'`])
    expect(said.split('\n').flatMap((each) => each.split('\t')[0] || []).toSorted()).toEqual(offers.toSorted())
  })
})

describe('every script', () => {
  it.each([['bash', bashScript], ['zsh', zshScript], ['fish', fishScript]] as const)('of %s grows with the table, and leaves out what is hidden', (_, make) => {
    const more = [...COMMANDS, { words: 'brew <green|black>', group: 'Use' as const, says: "make a person's tea", options: [['--cups <count>', 'how many: 1'] as const], load: () => Promise.reject(new Error('not loaded')) }]
    const script = make(verbSpecs(more))
    expect(script).toContain('brew')
    expect(script).toContain('cups')
    expect(script).not.toMatch(/^[^#]*\b__complete <|'__complete/m)
    // Quotes in a text stay text.
    writeFileSync(join(folder, 'script'), script)
    if (make !== fishScript) expect(shell('bash', ['-n', 'script'])).toBe('')
  })

  it('keyturn completion prints it, with --json as a document, and knows no other shell', async () => {
    const ran = async (...args: string[]) => startKeyturn(['completion', ...args], { cwd: folder, env: {} }).end
    expect((await ran('zsh')).out).toBe(zshScript(verbSpecs()))
    expect((await ran('fish', '--json')).json()).toEqual({ shell: 'fish', script: `${fishScript(verbSpecs())}` })
    expect(await ran('tcsh')).toMatchObject({ code: 2, err: expect.stringMatching(/USAGE .*bash, zsh and fish/) })
  })
})

describe('keyturn __complete', () => {
  it.each(['secrets', 'rotations'])('%s loads no connector, no SDK, no query builder and no validator', async (what) => {
    const list = join(folder, `loaded-${what}`)
    const hook = `data:text/javascript,${encodeURIComponent(`
      import { appendFileSync } from 'node:fs'
      import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context) } })`)}`
    const bin = join(import.meta.dirname, '../../../bin/keyturn.js')
    expect(shell(process.execPath, ['--import', hook, bin, '__complete', what])).not.toBe('')
    const loaded = readFileSync(list, 'utf8')
    expect(loaded).toMatch(/node_modules\/yaml\//)
    expect(loaded).not.toMatch(/src\/connectors|node_modules\/(?!yaml\/|commander\/)/)
  })

  it('says nothing and ends with 0 when there is nothing to read', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    for (const args of [['secrets'], ['rotations'], ['secrets', '--manifest', folder], ['nothing']]) {
      expect(await startKeyturn(['__complete', ...args], { cwd: empty, env: {} }).end).toMatchObject({ code: 0, said: '' })
    }
    expect(existsSync(join(empty, '.keyturn'))).toBe(false)
  })
})
