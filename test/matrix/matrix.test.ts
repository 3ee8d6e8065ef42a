import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { registry } from '../../src/connectors.gen.ts'
import { plan } from '../../src/operations/rotate.ts'
import { isEffect } from '../../src/plan/step.ts'
import { createIdentity } from '../../src/sealing/identity.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { packageAt } from '../servers/package.ts'
import { queryAt, ready } from '../servers/postgres.ts'
import { type Cell, cellsOf, onDatabase, spread, STRATEGIES } from './cell.ts'
import { play } from './play.ts'
import { proveWorld } from './proof.ts'
import { startService } from './service.ts'
import { type Shipped, shipped as shippedBy } from './shipped.ts'
import { type Ground, manifestText, SECRET, setStage } from './stage.ts'

// Made from the plans themselves: a new step has its cells at once.
const runtime = { env: {}, interrupt: new AbortController().signal, conceal: () => undefined }
const plans = await Promise.all(STRATEGIES.map(async (strategy) => {
  const text = manifestText({ name: 'nobody', strategy, state: 'folder', deadline: 1_000, undo: '20ms' }, 'http://127.0.0.1:1', 1)
  return plan(runtime, await parseManifest(text, 'keyturn.yaml', { registry }), SECRET, { offline: true })
}))
const inFolders = plans.flatMap(cellsOf)
/** MATRIX_DATABASE=all plays seven times as many with their state on PostgreSQL. */
const cells = [...inFolders, ...onDatabase(inFolders, process.env['MATRIX_DATABASE'] === 'all' ? 'all' : 'some')]
/** `npm run test:crash` plays all of them; `npm test` those in which an effect is killed right after it happened, in a folder. */
const all = process.env['MATRIX'] === 'all'
const inSample = ({ fault, step, state, way }: Cell): boolean => state === 'folder' && way === 'forward' && isEffect(step) && fault.is === 'kill' && fault.next === 'resume' && fault.point === 'after-effect'
/** MATRIX_ONLY is a regular expression over the titles: for a look at some cells by hand. */
const only = new RegExp(process.env['MATRIX_ONLY'] ?? '')
const chosen = [...spread(cells).entries()].map(([number, cell]) => ({ ...cell, number })).filter((each) => (all || inSample(each)) && only.test(each.title))
const ran: string[] = []

describe('the crash matrix', () => {
  const prefix = `mx${randomBytes(3).toString('hex')}`
  let folder: string
  let ground: Ground
  let shipped: Shipped
  let service: Awaited<ReturnType<typeof startService>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyturn-matrix-'))
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
    it.for(chosen)('$title', { timeout: 180_000 }, async (cell) => {
      await runCell(cell, `${prefix}_${String(cell.number).padStart(4, '0')}`)
      ran.push(cell.title)
    })
  })

  it('has run every cell that it computed', () => {
    console.log(`crash matrix: ${ran.length} cells run, ${cells.length} computed${all ? '' : '; npm run test:crash plays all'}`)
    expect(ran.toSorted()).toEqual(chosen.map(({ title }) => title).toSorted())
    expect(new Set(ran).size).toBe(chosen.length)
  })

  async function runCell(cell: Cell, name: string): Promise<void> {
    const undo = cell.way === 'forward' ? '20ms' : '1h'
    const stage = await setStage(ground, { name, strategy: cell.strategy, state: cell.state, deadline: deadlineOf(cell), undo })
    try {
      const played = await play(cell, stage, shipped)
      try {
        expect(played.exit).toBe(exitOf(cell))
        expect(played.late ?? TOLD).toMatchObject(TOLD)
        await proveWorld(cell, stage, ground, played)
      } catch (thrown) {
        console.log(`--- ${cell.title}\n${played.output}${played.late === undefined ? '' : `--- late\n${played.late.output}`}`)
        throw thrown
      }
    } finally {
      await stage.clear()
    }
  }
})

/** How a worker ends that was taken over. */
const TOLD = { code: 3, output: expect.stringContaining('FENCED') as unknown }

/** Only who waits for a deadline to pass needs a short one. */
function deadlineOf({ fault }: Cell): number {
  return fault.is === 'late' && !fault.within ? 3_000 : 30_000
}

/** Who asked to go back is told that it went well; who only resumes is told that it was rolled back. */
function exitOf({ way, strategy, fault, result }: Cell): number {
  if (result === 'done') return 0
  if (way === 'forward') return 'next' in fault ? 0 : 5
  return fault.is === 'lose' && strategy === 'alternate' ? 0 : 5
}
