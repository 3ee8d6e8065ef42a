import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { TaskRequest } from '../../src/kit/index.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { type Desk, type Did, setDesk } from './desk.ts'
import { onTerminal } from './terminal.ts'

const TAGGED: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 5, ends: ['off', 'gone'] }
const UNSEEN: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'none', slots: 5, ends: [] }
const MINT: TaskRequest = { kind: 'mint', title: 'Make a key', steps: [] }

/** The shipped program in a pipe: no terminal anywhere. */
async function piped(desk: Desk, words: readonly string[], input?: string): Promise<Did> {
  const { launcher, compiled } = await desk.shipped()
  const env = { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compiled, ...desk.env }
  const child = spawn(process.execPath, [launcher, ...words], { cwd: desk.folder, env, stdio: 'pipe' })
  child.stdin.end(input)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), child.exitCode ?? once(child, 'close')])
  return { exit: child.exitCode ?? -1, out, err }
}

const tokenOf = (made: ReturnType<Desk['server']['make']>): string => made.fields['token']?.reveal() ?? ''
const answered = async (desk: Desk): Promise<boolean> => (await desk.events()).some(({ type }) => type === 'task-answered')

describe('on a terminal', { timeout: 120_000 }, () => {
  it('a value is asked for without being shown, one that is no secret as it is typed (I11, S2-102)', async () => {
    const desk = await setDesk(TAGGED, {
      issuer: (config) => ({ ...config, id: undefined, fields: { id: 'plain', token: 'secret' } }),
      file: (token, id) => ({ text: `KEY_ID=${id}\nTOKEN=${token}\n`, bind: { KEY_ID: '{id}', TOKEN: '{token}' } }),
    })
    const rotation = await desk.ask('mint', { ...MINT, fields: ['id', 'token'] })
    const made = desk.server.make()
    const terminal = await onTerminal(desk, ['task', 'answer', rotation, '--wait'])
    await terminal.saw('id: ')
    terminal.type(`${made.id}\r`)
    await terminal.saw('token: ')
    terminal.type(`${tokenOf(made)}\r`)
    expect(await terminal.ended, terminal.screen()).toBe(0)
    expect(terminal.screen().indexOf(made.id), 'the id is shown as it is typed').toBeLessThan(terminal.screen().indexOf('token: '))
    expect(terminal.screen()).not.toContain(tokenOf(made))
    expect(desk.stored()).toContain(tokenOf(made))
  })

  it('a wrong paste is refused at the prompt, which asks again (HUMAN)', async () => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', MINT)
    const made = desk.server.make()
    const wrong = tokenOf(made).replace(/.{4}$/, 'Zz09')
    const terminal = await onTerminal(desk, ['task', 'answer', rotation, '--wait'])
    await terminal.saw('token: ')
    terminal.type(`${wrong}\r`)
    await terminal.saw('rejects it (401)')
    terminal.type(`${tokenOf(made)}\r`)
    expect(await terminal.ended, terminal.screen()).toBe(0)
    for (const value of [wrong, tokenOf(made)]) expect(terminal.screen()).not.toContain(value)
    expect(desk.stored()).toContain(tokenOf(made))
  })

  it.for([['Ctrl-C', '\u0003'], ['Ctrl-D', '\u0004']] as const)('%s at the prompt answers nothing: the task is still there', async ([, key]) => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', MINT)
    const terminal = await onTerminal(desk, ['task', 'answer', rotation])
    await terminal.saw('token: ')
    terminal.type(key)
    expect(await terminal.ended).toBe(3)
    expect(terminal.screen()).toContain('INTERRUPTED')
    expect(await answered(desk)).toBe(false)
  })

  it('nothing is asked for where the prompt would go elsewhere: what is typed would be shown', async () => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', MINT)
    const terminal = await onTerminal(desk, ['task', 'answer', rotation], '2>errors')
    expect(await terminal.ended).toBe(2)
    expect(await answered(desk)).toBe(false)
  })
})

describe('in a pipe', { timeout: 120_000 }, () => {
  it('a rotation that asks a person says so and exits with 4, for a script to see (HUMAN)', async () => {
    const desk = await setDesk(UNSEEN)
    desk.server.arm('answer-lost', { on: 'mint' })
    const did = await piped(desk, ['rotate', 'mail', '--wait'])
    expect(did).toMatchObject({ exit: 4, out: expect.stringMatching(/Asked: Find out whether a lost request made a credential for mail.*keyturn task answer/s) as string })
    const rotation = await desk.rotation()
    expect(JSON.parse((await piped(desk, ['status', '--json'])).out)).toMatchObject({ open: [{ rotation, state: 'asked', step: 'reclaim' }] })
    expect(await piped(desk, ['task', 'answer', rotation, '--wait', '--json'])).toMatchObject({ exit: 0, out: expect.stringContaining('"result":"done"') as string })
  })

  it('a value is not asked for, and taken from standard input when that is said', async () => {
    const desk = await setDesk(TAGGED)
    const rotation = await desk.ask('mint', MINT)
    const made = desk.server.make()
    expect(await piped(desk, ['task', 'answer', rotation], `${tokenOf(made)}\n`)).toMatchObject({ exit: 2, err: expect.stringContaining('--stdin') as string })
    const did = await piped(desk, ['task', 'answer', rotation, '--stdin', '--wait'], `${tokenOf(made)}\n`)
    expect(did).toMatchObject({ exit: 0 })
    expect(`${did.out}${did.err}`).not.toContain(tokenOf(made))
    expect(desk.stored()).toContain(tokenOf(made))
  })
})
