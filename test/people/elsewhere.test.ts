import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { onTestFinished, expect, it } from 'vitest'
import type { Task } from '../../src/operations/tasks.ts'
import { freshDatabase, tempFolder } from '../fixture/state.ts'
import { type Desk, type Did, setDesk } from '../strategies/desk.ts'
import { BY_HAND, CONSOLE, personIssuer } from './console.ts'

/** One of the machines that share the state in PostgreSQL: a home of its own, and nothing else of the other one. */
interface Machine {
  readonly home: string
  keyturn(words: readonly string[], input?: string): Promise<Did>
  /** `keyturn run`, until the test is over. */
  work(): void
}

const IDENTITY = '.config/keyturn/identity'

async function machine(desk: Desk, url: string): Promise<Machine> {
  const { launcher, compiled } = await desk.shipped()
  const { KEYTURN_IDENTITY: _, ...admin } = desk.env
  const home = tempFolder()
  const start = (words: readonly string[]) => spawn(process.execPath, [launcher, ...words], {
    cwd: desk.folder, stdio: 'pipe', env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compiled, ...admin, HOME: home, XDG_STATE_HOME: join(home, 'state'), STATE_URL: url },
  })
  return {
    home,
    keyturn: async (words, input = '') => {
      const child = start(words)
      child.stdin.end(input)
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
      return { exit: child.exitCode ?? -1, out, err }
    },
    work: () => {
      const child = start(['run'])
      child.stdin.end()
      child.stdout.resume()
      child.stderr.resume()
      onTestFinished(async () => {
        if (child.exitCode !== null) return
        const gone = once(child, 'close')
        child.kill('SIGTERM')
        await gone
      })
    },
  }
}

it('tasks are answered on another machine that has the state and the identity; the one that can reach the stores goes on (HUMAN, X-09)', { timeout: 120_000 }, async () => {
  const desk = await setDesk(CONSOLE, { issuer: personIssuer, secret: BY_HAND })
  const place = await freshDatabase()
  const url = place.url.reveal()
  const file = join(desk.folder, 'keyturn.yaml')
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nstate: \${env:STATE_URL}\n`)
  const [worker, laptop] = [await machine(desk, url), await machine(desk, url)]
  const value = (): string => /TOKEN=(.*)/.exec(desk.stored())?.[1] ?? ''
  const before = value()

  expect(await worker.keyturn(['rotate', 'mail'])).toMatchObject({ exit: 4, out: expect.stringContaining('Asked: Make the key of mail anew') as string })
  worker.work()
  const asked = async (step: string): Promise<Task> => {
    let found: Task | undefined
    await expect.poll(async () => {
      const did = await laptop.keyturn(['task', 'list', '--json'])
      found = (JSON.parse(did.out) as Task[])[0]
      return found?.step
    }, { timeout: 60_000, interval: 200 }).toBe(step)
    if (found === undefined) throw new Error('nothing is asked')
    return found
  }
  const { rotation } = await asked('mint')
  const made = desk.server.make()
  const token = made.fields['token']?.reveal() ?? ''

  expect(await laptop.keyturn(['task', 'answer', rotation, '--stdin', '--leave'], token), 'a state without the identity').toMatchObject({ exit: 3, err: expect.stringContaining('IDENTITY') as string })
  mkdirSync(join(laptop.home, IDENTITY, '..'), { recursive: true, mode: 0o700 })
  copyFileSync(join(worker.home, IDENTITY), join(laptop.home, IDENTITY))
  expect(await laptop.keyturn(['task', 'answer', rotation, '--stdin', '--leave'], before), 'what is in use').toMatchObject({ exit: 3, err: expect.stringContaining('in use already') as string })
  const answered = await laptop.keyturn(['task', 'answer', rotation, '--stdin', '--leave'], token)
  expect(answered, answered.err).toMatchObject({ exit: 4 })

  await asked('reload:0.0')
  expect(value(), 'the worker published what was entered elsewhere').toBe(token)
  for (const step of ['reload:0.0', 'check:0', 'watch', 'gone']) {
    await asked(step)
    if (step === 'gone') desk.server.keys.remove('atlas', desk.server.keys.accepts(before)?.id ?? '')
    expect(await laptop.keyturn(['task', 'answer', rotation, '--leave'])).toMatchObject({ exit: 4 })
  }
  await expect.poll(async () => (JSON.parse((await laptop.keyturn(['history', '--json'])).out) as { rotations: { result?: string }[] }).rotations[0]?.result, { timeout: 60_000, interval: 200 }).toBe('done')
})
