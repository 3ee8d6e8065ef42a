import { describe, expect, it } from 'vitest'
import { EXIT, worseExit } from '../../src/cli/exit.ts'
import { substanceOf } from '../../src/operations/difference.ts'
import { replaceFile } from '../../src/outside/file/index.ts'
import { disk, type FilePort } from '../../src/outside/file/port.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { findRotation } from '../../src/state/rotation.ts'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { specimenPlan } from '../fixture/specimen.ts'
import { verifyState } from '../../src/proof/audit.ts'
import { readEvents } from '../../src/journal/read.ts'
import { append } from '../../src/state/journal.ts'
import { freshState, NOW, openOne, take } from '../fixture/state.ts'

describe('two manifests that share a state', () => {
  it('one never finds the rotation of the other: not by the name of its secret, nor by its id', async () => {
    const state = await freshState()
    await openOne(state, 'database-1', { system: 'atlas' })
    const ofProduction = { system: 'atlas', environment: 'production' }
    await expect(findRotation(state.db, 'database', ofProduction)).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
    await expect(findRotation(state.db, 'database-1', ofProduction)).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN', about: 'database-1 is one of atlas (staging)' })
    await expect(findRotation(state.db, 'data', ofProduction)).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
    expect((await findRotation(state.db, 'database', { system: 'atlas', environment: 'staging' })).id).toBe('database-1')
    expect((await findRotation(state.db, 'database-1')).id).toBe('database-1')
  })

  it('each finds its own by the name of a secret that both have', async () => {
    const state = await freshState()
    await openOne(state, 'database-1', { system: 'atlas' })
    await openOne(state, 'database-2', { system: 'borealis' })
    expect((await findRotation(state.db, 'database', { system: 'borealis', environment: 'staging' })).id).toBe('database-2')
    await expect(findRotation(state.db, 'database')).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
  })
})

describe('the exit code of several rotations', () => {
  it('is that of the worst: an error is not hidden behind one that merely waits', () => {
    const order = [EXIT.done, EXIT.waiting, EXIT.refused, EXIT.usage, EXIT.rolledBack, EXIT.error, EXIT.person]
    for (const [at, one] of order.entries()) {
      for (const other of order.slice(at)) {
        expect(worseExit(one, other)).toBe(other)
        expect(worseExit(other, one)).toBe(other)
      }
    }
    expect(worseExit(EXIT.waiting, EXIT.error)).toBe(EXIT.error)
  })
})

describe('a plan that was reviewed', () => {
  const plan = specimenPlan({ checks: 1 })
  const changed: readonly (readonly [string, Plan])[] = [
    ['the environment', { ...plan, environment: 'production' }],
    ['the admin of the issuer', { ...plan, issuer: { ...plan.issuer, config: { ...plan.issuer.config, admin: '${env:OTHER}' } } }],
    ['what is written to a store', { ...plan, stores: plan.stores.map((store) => ({ ...store, bind: { DSN_0: { template: '{password}' } } })) }],
    ['how a consumer is reloaded', { ...plan, waves: plan.waves.map((wave) => wave.map((each) => ({ ...each, config: { restart: ['rm'] } }))) }],
    ['who attests', { ...plan, waves: plan.waves.map((wave) => wave.map((each) => ({ ...each, attest: { ...plan.issuer, use: 'http' } }))) }],
    ['what a check looks at', { ...plan, checks: plan.checks.map((check) => ({ ...check, config: { url: 'http://127.0.0.1/always-green' } })) }],
    ['a check less', { ...plan, checks: [] }],
  ]
  it.each(changed)('is another one when this changed: %s', (_, other) => {
    expect(substanceOf(other)).not.toBe(substanceOf(plan))
  })

  it('is the same when only a line moved in the manifest, and after it was written to a file', () => {
    const moved = { ...plan, issuer: { ...plan.issuer, place: { ...plan.issuer.place, line: 99 } } }
    expect(substanceOf(moved)).toBe(substanceOf(plan))
    expect(substanceOf(JSON.parse(JSON.stringify(plan)) as Plan)).toBe(substanceOf(plan))
  })
})

describe('two rotations that write one file', () => {
  it.each(['stat', 'rename'] as const)('the sweep of one takes the other\'s temp file away before its %s: CONFLICT, which is tried again, and not STORE_MISSING', async (before) => {
    const folder = await mkdtemp(join(tmpdir(), 'keyturn-shared-'))
    const path = join(folder, '.env')
    await writeFile(path, 'A=1\n', { mode: 0o600 })
    const temp = join(folder, '..env.keyturn-tmp')
    const port: FilePort = {
      ...disk,
      stat: async (at) => {
        if (before === 'stat' && at === temp) await rm(temp)
        return disk.stat(at)
      },
      rename: async (from, to) => {
        if (before === 'rename') await rm(temp)
        return disk.rename(from, to)
      },
    }
    const answer = await replaceFile({ path, content: Buffer.from('A=2\n'), still: () => true, signal: new AbortController().signal }, port)
    expect(answer).toMatchObject({ is: 'refused', code: 'CONFLICT' })
    expect(await readFile(path, 'utf8')).toBe('A=1\n')
    await rm(folder, { recursive: true })
  })
})

describe('reading a journal while another run writes it', () => {
  it('sees it as it was at one moment: what was written meanwhile is no change from outside', async () => {
    const state = await freshState()
    await openOne(state, 'one', { opened: { type: 'rotation-opened', at: NOW, body: { rotation: 'one', plan: specimenPlan(), version: '0', by: 'a', reason: 'b' } } })
    const held = await take(state, 'one')
    const resumed = (): Promise<void> => append(state, held, [{ type: 'rotation-resumed', at: NOW + held.seq, body: { by: 'a' } }])
    const read: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const writing = resumed().then(resumed).then(resumed)
      const seen = readEvents({ state }, 'one').then(({ events, head }) => (events.length === head.seq ? 'whole' : 'torn'), (thrown: unknown) => String(thrown))
      const audit = verifyState(state).then(({ problems }) => problems.find((each) => /head|missing/.test(each)) ?? 'whole')
      read.push(...(await Promise.all([seen, audit])))
      await writing
    }
    expect([...new Set(read)]).toEqual(['whole'])
  })
})
