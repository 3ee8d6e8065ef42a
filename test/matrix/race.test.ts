import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { stringify } from 'yaml'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { openState } from '../../src/state/open.ts'
import { listRotations } from '../../src/state/rotation.ts'
import { packageAt } from '../servers/package.ts'
import { makeRole, type TestRole } from '../servers/role.ts'
import { ready } from '../servers/postgres.ts'
import { KEY } from './service.ts'
import { type Ran, type Shipped, shipped as shippedBy } from './shipped.ts'

const SECRETS = ['first', 'second', 'third']

describe('two processes on one state file', () => {
  let folder: string
  let shipped: Shipped
  let roles: readonly TestRole[]
  let env: Record<string, string>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-race-'))
    shipped = shippedBy(await packageAt(inject('packageFolder')))
    const adminUrl = await ready(inject('postgresUrl'))
    roles = await Promise.all(SECRETS.map((name) => makeRole(adminUrl, { prefix: `race_${name}` })))
    env = { PG_ADMIN_URL: adminUrl, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' }
    await writeFile(join(folder, '.env'), roles.map((role, index) => `${KEY}_${index}=${role.url()}\n`).join(''), { mode: 0o600 })
    // Waits of a second: all of them are open at once, and there is no consumer that has to be told.
    const secretOf = (role: TestRole, index: number): object => ({
      issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role: role.name, strategy: 'alternate' },
      grace: '1s', quiet: '50ms', undo: '0s',
      stores: [{ use: 'dotenv', file: '.env', bind: { [`${KEY}_${index}`]: { url: { user: 'user', password: 'password' } } } }],
    })
    const secrets = Object.fromEntries(roles.map((role, index) => [SECRETS[index], secretOf(role, index)]))
    await writeFile(join(folder, 'keyturn.yaml'), stringify({ version: 1, system: 'race', environment: 'staging', secrets }))
  }, 120_000)

  afterAll(async () => {
    for (const { admin, name } of roles) await admin(`drop owned by "${name}"; drop role if exists "${name}_alt"; drop role "${name}"`)
    await rm(folder, { recursive: true, force: true })
  })

  /** The rotations of one round each: opened by runs that are killed at once, so that everything is left to do. */
  async function openAll(): Promise<void> {
    for (const secret of SECRETS) {
      const killed = { ...env, KEYTURN_REHEARSE: 'kill:preflight/before-intent' }
      const { signal } = await shipped.start(folder, ['rotate', secret], killed).ended
      expect(signal).toBe('SIGKILL')
    }
  }

  const run = (...words: readonly string[]): Promise<Ran> => shipped.start(folder, words, env).ended

  const rounds = [['run', '--once'], ['resume', '--wait'], ['run', '--once'], ['resume', '--wait']]
  it.for(rounds)('lose no step and double none: keyturn %s %s', { timeout: 180_000 }, async (words) => {
    await openAll()
    const open = (): Promise<number> => inState(async (state) => (await listRotations(state.db, { open: true })).length)
    const ran: Ran[] = []
    for (let round = 0; (await open()) > 0; round += 1) {
      expect(round).toBeLessThan(20)
      ran.push(...(await Promise.all([run(...words), run(...words)])))
    }
    await inState(async (state) => {
      for (const row of (await listRotations(state.db)).slice(0, SECRETS.length)) {
        const { events } = await readEvents({ state }, row.id)
        const { plan, closed } = foldProgress(events)
        const done = events.flatMap((event) => (event.type === 'step-done' ? [event.step] : []))
        expect(closed).toMatchObject({ result: 'done' })
        expect(brokenInvariants(events)).toEqual([])
        // A gate that was opened too long ago is evaluated again; nothing else is done twice, and nothing is left out.
        const once = done.filter((step, at) => !step.startsWith('gate:') || done.indexOf(step) === at)
        expect(once).toEqual(plan.steps.map((step) => step.id))
        const intents = events.flatMap((event) => (event.type === 'intent-recorded' ? [event.step] : []))
        expect(intents).toEqual(plan.steps.filter((step) => 'effect' in step).map((step) => step.id))
      }
    })
    // Whoever came second was refused, or found nothing that was left to do.
    for (const { code } of ran) expect([0, 3, 4]).toContain(code)
    expect(ran.filter(({ code, output }) => code === 3 && !/LOCKED|FENCED/.test(output)).map(({ output }) => output)).toEqual([])
  })

  it('open one rotation of a secret, whoever asks first', { timeout: 60_000 }, async () => {
    const before = (await inState((state) => listRotations(state.db, { secret: 'first' }))).length
    const ran = await Promise.all(Array.from({ length: 3 }, () => run('rotate', 'first', '--wait')))
    const [won, lost] = [ran.filter(({ code }) => code === 0), ran.filter(({ code }) => code !== 0)]
    const output: unknown = expect.stringMatching(/ROTATION_OPEN|PRINCIPAL_IN_USE|WORLD_MOVED/)
    for (const each of lost) expect(each).toMatchObject({ code: 3, output })
    // One that starts very late finds the first one closed, and rotates again.
    expect(won.length).toBeGreaterThan(0)
    const rotations = await inState((state) => listRotations(state.db, { secret: 'first' }))
    expect(rotations.filter(({ result }) => result === null)).toEqual([])
    expect(rotations.filter(({ result }) => result === 'done').length - before).toBe(won.length)
  })

  it('leave a state that verifies', async () => {
    expect(await run('audit', 'verify')).toMatchObject({ code: 0 })
  })

  async function inState<T>(body: (state: Awaited<ReturnType<typeof openState>>) => Promise<T>): Promise<T> {
    const state = await openState(join(folder, '.keyturn'), undefined)
    try {
      return await body(state)
    } finally {
      await state.close()
    }
  }
})
