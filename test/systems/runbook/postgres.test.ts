import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { login } from '../../../demo/database.ts'
import { type Scenery, setScenery } from '../../../demo/scenery.ts'
import { blocksOf, openPerson, type Person } from '../../fixture/follow.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { startKeyturn } from '../../worlds/keyturn.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

interface Issuer {
  strategy: string
}

/** A service with two instances, a person who has the text for it, and the DSN that is in use. */
async function scene(strategy: 'alternate' | 'in-place', name: string): Promise<{ readonly stage: Scenery; readonly person: Person; readonly text: string; readonly old: string }> {
  const stage = await setScenery({ adminUrl: server.adminUrl, name, pace: { grace: '1s', quiet: '1s', undo: '1s' } })
  undo.push(() => stage.teardown())
  const manifest = parse(readFileSync(stage.manifest, 'utf8')) as { secrets: { database: { issuer: Issuer } } }
  manifest.secrets.database.issuer.strategy = strategy
  writeFileSync(stage.manifest, stringify(manifest))
  const file = join(stage.folder, 'database.md')
  // Without the admin's URL, an identity or a state: the text comes from the manifest alone.
  const made = await startKeyturn(['runbook', 'database', '--out', file], { cwd: stage.folder, env: {} }).end
  expect(made, made.said).toMatchObject({ code: 0 })
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-person-'))
  const person = openPerson(folder)
  undo.push(() => rmSync(folder, { recursive: true }), () => person.close())
  return { stage, person, text: readFileSync(file, 'utf8'), old: await stage.dsn() }
}

/** The one thing that the person brings is the admin's URL. */
async function follow(person: Person, text: string, headings: readonly RegExp[]): Promise<number> {
  const blocks = headings.flatMap((heading) => blocksOf(text, heading))
  for (const block of blocks) await person.type(block, block.run.includes('read -rsp') ? [server.adminUrl] : [])
  return blocks.length
}

function secretsOf(...dsns: readonly string[]): readonly string[] {
  return [...dsns, server.adminUrl].flatMap((dsn) => [dsn, new URL(dsn).password])
}

describe('who has only the text that `keyturn runbook` writes', () => {
  it('rotates a role that has a companion: the new one is accepted, the old one rejected, and no value is in the text or in a command line (S1-70, C-01, C-03)', async () => {
    const { stage, person, text, old } = await scene('alternate', 'byhand')
    expect(await follow(person, text, [/^## Before you begin/, /^## The way forward/])).toBeGreaterThan(20)
    const fresh = await stage.dsn()
    expect(new URL(fresh).username).toBe('byhand_alt')
    expect(await login(fresh)).toBe('accepted')
    expect(await login(old)).toMatch(/^28/)
    for (const instance of stage.instances) expect(await instance.stats()).toMatchObject({ reloads: 1, reloadFailures: 0 })
    for (const value of secretsOf(old, fresh)) {
      expect(text).not.toContain(value)
      expect(person.commandLines()).not.toContain(value)
    }
    expect(await server.log()).not.toContain(new URL(fresh).password)
    // And once more, the other way round, by the same text.
    const again = openPerson(mkdtempSync(join(tmpdir(), 'keyturn-person-')))
    undo.push(() => again.close())
    await follow(again, text, [/^## Before you begin/, /^## The way forward/])
    expect(new URL(await stage.dsn()).username).toBe('byhand')
    expect(await login(await stage.dsn())).toBe('accepted')
    expect(await login(fresh)).toMatch(/^28/)
  })

  it('rotates a role in place, and keyturn goes on from there once it is told (S0-07)', async () => {
    const { stage, person, text, old } = await scene('in-place', 'inplace')
    await follow(person, text, [/^## Before you begin/, /^## The way forward/])
    expect(await login(await stage.dsn())).toBe('accepted')
    expect(await login(old)).toBe('28P01')
    const setting = { cwd: stage.folder, env: stage.environment }
    expect(await startKeyturn(['adopt', 'database', '--reason', 'rotated by hand'], setting).end).toMatchObject({ code: 0 })
    expect(await startKeyturn(['rotate', 'database', '--wait'], setting).end).toMatchObject({ code: 0 })
  })

  it('goes back by the same text: the old one is accepted, the new one rejected (S1-59)', async () => {
    const { stage, person, text, old } = await scene('alternate', 'goback')
    const until = text.slice(0, text.search(/^### \d+\. Wait /m))
    await follow(person, until, [/^## Before you begin/, /^## The way forward/])
    const fresh = await stage.dsn()
    expect(fresh).not.toBe(old)
    await follow(person, text, [/^## The way back/])
    expect(await stage.dsn()).toBe(old)
    expect(await login(old)).toBe('accepted')
    expect(await login(fresh)).toMatch(/^28/)
  })
})
