import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { login } from '../../demo/database.ts'
import { registry } from '../../src/connectors.gen.ts'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { plan } from '../../src/operations/rotate.ts'
import { isEffect } from '../../src/plan/step.ts'
import { verifyState } from '../../src/proof/audit.ts'
import { createIdentity } from '../../src/sealing/identity.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { packageAt } from '../servers/package.ts'
import { queryAt, ready } from '../servers/postgres.ts'
import { peek } from './play.ts'
import { dsnIn, startService } from './service.ts'
import { type Ran, type Shipped, shipped as shippedBy } from './shipped.ts'
import { type Ground, manifestText, SECRET, setStage, type Stage } from './stage.ts'

// Made from the plan itself: a new effect has its cells at once.
const text = manifestText({ name: 'nobody', strategy: 'in-place', state: 'folder', deadline: 1_000, undo: '20ms' }, 'http://127.0.0.1:1', 1)
const runtime = { env: {}, interrupt: new AbortController().signal, conceal: () => undefined }
const made = await plan(runtime, await parseManifest(text, 'keyturn.yaml', { registry }), SECRET, { offline: true })
const cells = (['folder', 'database'] as const).flatMap((state) =>
  made.steps.filter(isEffect).flatMap(({ id }) => (['after-intent', 'after-effect'] as const).map((point) => ({ state, id, point, title: `${id}, killed ${point}, state in a ${state}` }))))
const ran: string[] = []

describe('taking back with the shipped program and a real role, killed at every effect (C-12)', { timeout: 180_000 }, () => {
  const prefix = `rb${randomBytes(3).toString('hex')}`
  let folder: string
  let ground: Ground
  let shipped: Shipped
  let service: Awaited<ReturnType<typeof startService>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-rollback-'))
    service = await startService(folder)
    const identity = join(folder, 'identity')
    await createIdentity(identity)
    shipped = shippedBy(await packageAt(inject('packageFolder')))
    const adminUrl = await ready(inject('postgresUrl'))
    const [server] = await queryAt<{ socket: string }>(adminUrl, `select current_setting('unix_socket_directories') as socket`)
    ground = { folder, adminUrl, socket: server?.socket ?? '', serviceUrl: service.url, identity }
  }, 120_000)

  afterAll(async () => {
    await service.stop()
    await rm(folder, { recursive: true, force: true })
  })

  describe.concurrent('ends in the right world', () => {
    it.for([...cells.entries()].map(([number, cell]) => ({ ...cell, number })))('$title', async ({ state, id, point, number, title }) => {
      const stage = await setStage(ground, { name: `${prefix}_${number}`, strategy: 'in-place', state, deadline: 30_000, undo: '20ms' })
      try {
        await playBack(stage, `kill:${id}/${point}`)
        ran.push(title)
      } finally {
        await stage.clear()
      }
    })
  })

  it('has run every cell that it computed', () => {
    console.log(`crash matrix of taking back, with processes: ${ran.length} cells run, ${cells.length} computed`)
    expect(ran.toSorted()).toEqual(cells.map(({ title }) => title).toSorted())
  })

  /** A rotation to its end, one that takes it back and is killed, and the run that goes on with that. */
  async function playBack(stage: Stage, fault: string): Promise<void> {
    const run = (words: readonly string[], rehearse = ''): Promise<Ran> => shipped.start(stage.folder, [...words, '--wait'], { ...stage.env, KEYTURN_REHEARSE: rehearse }).ended
    const outputs: Ran[] = [await run(['rotate', SECRET])]
    const second = await dsnIn(stage.envFile)
    outputs.push(await run(['rollback', SECRET], fault), await run(['resume', SECRET]))
    const said = outputs.map(({ output }) => output).join('\n')
    expect(outputs.map(({ code, signal }) => signal ?? code), said).toEqual([0, 'SIGKILL', 0])
    expect(await dsnIn(stage.envFile)).toBe(stage.dsn)
    expect(await stage.consumer.dsn()).toBe(stage.dsn)
    expect([await login(stage.dsn), await login(second)]).toEqual(['accepted', '28P01'])
    await peek(stage, async (opened, row) => {
      const { events } = await readEvents({ state: opened }, row.id)
      expect(brokenInvariants(events)).toEqual([])
      expect(foldProgress(events)).toMatchObject({ closed: { result: 'done' }, plan: { takesBack: expect.stringMatching(`^${SECRET}-`) } })
      expect(await verifyState(opened)).toMatchObject({ rotations: 2, receipts: 2, problems: [] })
    })
    for (const dsn of [stage.dsn, second]) expect(said.includes(new URL(dsn).password), 'a value in the output').toBe(false)
  }
})
