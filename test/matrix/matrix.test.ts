import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { registry } from '../../src/connectors.gen.ts'
import { parseManifest } from '../../src/manifest/load.ts'
import { plan } from '../../src/operations.ts'
import { createIdentity } from '../../src/state/identity.ts'
import { queryAt, ready } from '../servers/postgres.ts'
import { type Cell, cellsOf, spread, STRATEGIES } from './cell.ts'
import { play } from './play.ts'
import { proveWorld } from './proof.ts'
import { startService } from './service.ts'
import { type Shipped, shipPackage } from './shipped.ts'
import { type Ground, manifestText, SECRET, setStage } from './stage.ts'

// Made from the plans themselves: a new step has its cells at once.
const runtime = { env: {}, interrupt: new AbortController().signal, conceal: () => undefined }
const plans = await Promise.all(STRATEGIES.map((strategy) => {
  const text = manifestText({ name: 'nobody', strategy, deadline: 1_000, undo: '20ms' }, 'http://127.0.0.1:1', 1)
  return plan(runtime, parseManifest(text, 'keyturn.yaml', { registry }), SECRET, { offline: true })
}))
const cells = plans.flatMap(cellsOf)
const only = process.env['MATRIX_ONLY']
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
    shipped = await shipPackage(join(folder, 'package'))
    const adminUrl = await ready(inject('postgresUrl'))
    const [server] = await queryAt<{ socket: string }>(adminUrl, `select current_setting('unix_socket_directories') as socket`)
    ground = { folder, adminUrl, socket: server?.socket ?? '', serviceUrl: service.url, identity }
  }, 120_000)

  afterAll(async () => {
    console.log(`crash matrix: ${ran.length} cells run, ${cells.length} computed`)
    await service.stop()
    await rm(folder, { recursive: true, force: true })
    expect(ran.length).toBe(only === undefined ? cells.length : ran.length)
  })

  describe.concurrent('ends in the right world', () => {
    it.for([...spread(cells).entries()].filter(([, cell]) => only === undefined || new RegExp(only).test(cell.title)).map(([at, cell]) => ({ ...cell, at })))('$title', { timeout: 180_000 }, async (cell) => {
      await runCell(cell, `${prefix}_${String(cell.at).padStart(4, '0')}`)
      ran.push(cell.title)
    })
  })

  async function runCell(cell: Cell, name: string): Promise<void> {
    const stage = await setStage(ground, { name, strategy: cell.strategy, deadline: deadlineOf(cell), undo: cell.way === 'forward' ? '20ms' : '1h' })
    try {
      const played = await play(cell, stage, shipped)
      try {
        expect(played.exit).toBe(exitOf(cell))
        if (played.late !== undefined) expect([played.late.code, played.late.output]).toEqual([3, expect.stringContaining('FENCED')])
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

/** Only who waits for a deadline to pass needs a short one. */
function deadlineOf({ fault }: Cell): number {
  return fault.is === 'late' && !fault.within ? 3_000 : 30_000
}

/** Who asked to go back is told that it went well; who only resumes is told that it was rolled back. */
function exitOf({ way, strategy, fault, result }: Cell): number {
  if (result === 'done') return 0
  if (way === 'forward') return 'then' in fault ? 0 : 5
  return fault.is === 'lose' && strategy === 'alternate' ? 0 : 5
}
