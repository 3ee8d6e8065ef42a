import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptSession } from '../../../test/fixture/session.ts'
import { freshState, openOne, tempFolder } from '../../../test/fixture/state.ts'
import { run } from './due.ts'

const DAY = 86_400_000

/** A manifest with these secrets and their `every`; the state is beside it once it is made. */
function manifestWith(root: string, secrets: Readonly<Record<string, string | undefined>>): string {
  const file = join(root, 'keyturn.yaml')
  const lines = Object.entries(secrets).map(([name, every]) => `  ${name}:
${every === undefined ? '' : `    every: ${every}\n`}    issuer: { use: random, format: hex, name: ${name} }
    stores: [{ use: dotenv, file: .env, bind: { ${name.toUpperCase()}: "{value}" } }]`)
  writeFileSync(file, `version: 1\nsystem: atlas\nenvironment: staging\nstate: state\nsecrets:\n${lines.join('\n')}\n`)
  return file
}

describe('keyturn due', () => {
  it('lists every secret with its date, and exits with 0 whatever is due; with --check with 4 when something is overdue', async () => {
    const root = tempFolder()
    const state = await freshState(root)
    for (const [id, days] of [['old', 100], ['new', 85]] as const) {
      await openOne(state, id, { secret: id, opened: { type: 'noted', at: Date.now() - days * DAY, body: {} } })
      await state.db.updateTable('rotation').set({ result: 'done' }).where('id', '=', id).execute()
    }
    const manifest = manifestWith(root, { old: '90d', new: '90d', free: undefined })
    const told = keptSession()
    expect(await run(told, [], { manifest })).toBe(0)
    expect(told.out()).toMatch(/^overdue +old +for 10 d: was due \d{4}-\d\d-\d\d, in use since \d{4}-\d\d-\d\d \(90d\)$/m)
    expect(told.out()).toMatch(/^due +new +in 5 d: due \d{4}-/m)
    expect(told.out()).toMatch(/^manual +free +only when somebody asks/m)
    expect(await run(keptSession(), [], { manifest, check: true })).toBe(4)
    const brief = keptSession()
    expect(await run(brief, [], { manifest, json: true, within: '1d' })).toBe(0)
    expect(brief.json()).toMatchObject({ secrets: [
      { secret: 'old', state: 'overdue', rotation: 'old', since: expect.stringMatching(/Z$/), at: expect.stringMatching(/Z$/) }, { secret: 'new', state: 'fine' }, { secret: 'free', state: 'manual' },
    ] })
  })

  it('says so when there is no state, and makes none; --check then exits with 4', async () => {
    const root = tempFolder()
    const manifest = manifestWith(root, { one: 'quarterly', two: 'never' })
    const told = keptSession()
    expect(await run(told, [], { manifest })).toBe(0)
    expect(told.out()).toMatch(/^unknown +one +there is no state yet \(quarterly\)$/m)
    expect(await run(keptSession(), [], { manifest, check: true })).toBe(4)
    expect(await run(keptSession(), [], { manifest: manifestWith(root, { two: 'never' }), check: true })).toBe(0)
  })

  it.each(['soon', '7', '-1d', ''])('refuses --within %j with what to write', async (within) => {
    await expect(run(keptSession(), [], { within })).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringMatching(/`7d`/) })
  })
})
