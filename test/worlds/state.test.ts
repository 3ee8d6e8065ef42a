import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { createIdentity } from '../../src/sealing/identity.ts'
import { STATE_VERSION } from '../../src/state/schema.ts'
import { smallDisk, waysToFill } from './disk.ts'
import { expectRun, useTheatre } from './theatre.ts'
import type { World } from './world.ts'

const theatre = useTheatre()

function identityOf(world: World): string {
  return world.stage.environment['KEYTURN_IDENTITY'] ?? ''
}

function inState(world: World, sql: string): void {
  const db = new DatabaseSync(join(world.state, 'keyturn.db'))
  db.exec(sql)
  db.close()
}

/** A rotation in grace: both credentials are accepted, and much could go wrong now. */
async function inGrace(): Promise<World> {
  const world = await theatre.open({ pace: { grace: '1h' } })
  expectRun(await world.keyturn(['rotate', 'database']), 4)
  return world
}

/** Everything that goes on is refused, and nothing is changed by it. */
async function expectStuck(world: World, code: number, ...says: readonly RegExp[]): Promise<void> {
  const before = await world.photo()
  for (const args of [['resume'], ['abort', 'database']]) expectRun(await world.keyturn(args), code, ...says)
  expect(await world.photo()).toEqual(before)
}

describe('the identity', () => {
  it('is missing: refused, nothing is made in its place; without a copy the state is moved aside and the next rotation goes (C-05)', async () => {
    const world = await theatre.open()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    rmSync(identityOf(world))
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database']), 3, /IDENTITY_MISSING the identity file is missing: .*identity/, /docs\/recovery\.md/)
    expectRun(await world.keyturn(['run', '--once']), 3, /IDENTITY_MISSING/)
    expect(await world.photo()).toEqual(before)
    expect(existsSync(identityOf(world))).toBe(false)
    renameSync(world.state, join(world.run, 'aside'))
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /A new identity was made/, /Done/)
  })

  it('is another one: refused, and the one that is needed is named', async () => {
    const world = await inGrace()
    const right = /age1[a-z0-9]+/.exec(readFileSync(identityOf(world), 'utf8'))?.[0] ?? 'none'
    renameSync(identityOf(world), `${identityOf(world)}.right`)
    await createIdentity(identityOf(world))
    await expectStuck(world, 3, /IDENTITY_WRONG/, new RegExp(`the state belongs to ${right}`), /KEYTURN_IDENTITY/)
    renameSync(`${identityOf(world)}.right`, identityOf(world))
    expectRun(await world.keyturn(['abort', 'database']), 0)
  })

  it('lies inside the state folder, or others may read it: refused, and nothing is made', async () => {
    const world = await theatre.open()
    const before = await world.photo()
    const inside = { env: { KEYTURN_IDENTITY: join(world.state, 'identity') } }
    expectRun(await world.keyturn(['rotate', 'database'], inside), 3, /IDENTITY_UNSAFE .*lies inside the state folder/)
    expect(existsSync(world.state)).toBe(false)
    await createIdentity(identityOf(world))
    chmodSync(identityOf(world), 0o644)
    expectRun(await world.keyturn(['rotate', 'database']), 3, /IDENTITY_UNSAFE .*can be read by others/)
    expect(await world.photo()).toEqual(before)
  })
})

describe('the state', () => {
  it('was open to others: refused by every command that opens it', async () => {
    const world = await inGrace()
    chmodSync(world.state, 0o755)
    await expectStuck(world, 3, /STATE_UNSAFE the state folder can be read by others: .*mode 755/, /chmod 700/)
    expectRun(await world.keyturn(['status']), 3, /STATE_UNSAFE/)
    chmodSync(world.state, 0o700)
    expectRun(await world.keyturn(['abort', 'database']), 0)
  })

  it('is of a newer version: refused, also to look', async () => {
    const world = await inGrace()
    inState(world, 'pragma user_version = 99')
    await expectStuck(world, 1, /STATE_NEWER the state was written by a newer keyturn: version 99/, /Install that version or a newer one/)
    expectRun(await world.keyturn(['status']), 1, /STATE_NEWER/)
    inState(world, `pragma user_version = ${STATE_VERSION}`)
    expectRun(await world.keyturn(['abort', 'database']), 0)
  })

  it('is an old backup: refused, until a person says with --adopt that the stores are right', async () => {
    const world = await theatre.open()
    const [backup, newest] = [join(world.run, 'backup'), join(world.run, 'newest')]
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    cpSync(world.state, backup, { recursive: true })
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    renameSync(world.state, newest)
    renameSync(backup, world.state)
    chmodSync(world.state, 0o700)
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 3, /STATE_STALE .*the ledger has never seen the value of database that is in use/, /--adopt/, /bring back the newest/)
    expect(await world.photo()).toEqual(before)
    expectRun(await world.keyturn(['rotate', 'database', '--wait', '--adopt']), 0, /Done/)
  })

  it('has a journal that was edited: refused before anything is done, and the audit names the entry', async () => {
    const world = await inGrace()
    inState(world, `update event set body = replace(body, '"preflight"', '"preflicht"') where seq = 3`)
    await expectStuck(world, 1, /JOURNAL_BROKEN the journal was changed from outside: database-\S+ entry 3/, /audit verify/)
    expectRun(await world.keyturn(['show', 'database']), 1, /JOURNAL_BROKEN/)
    expectRun(await world.keyturn(['audit', 'verify']), 1, /1 problems/, /database-\S+ entry 3/)
  })

  it('has a sealed value that somebody else put there: refused before anything is done', async () => {
    const world = await inGrace()
    inState(world, `update sealed set ciphertext = (select ciphertext from sealed where name = 'new') where name = 'old'`)
    const before = await world.photo()
    expectRun(await world.keyturn(['abort', 'database']), 1, /SEAL_BROKEN a sealed value does not authenticate: old of database-/)
    expect(await world.photo()).toEqual(before)
  })
})

describe.each(waysToFill)('a full disk (%s)', (way) => {
  it('under the state: no step goes on before its record is on disk; with room again it is resumed', async () => {
    const world = await theatre.open({ pace: { grace: '1h' } })
    const disk = smallDisk(way, world.state, 'state')
    try {
      const untouched = await world.photo()
      const first = await world.keyturn(['rotate', 'database'], disk.fill())
      expectRun(first, 1, /STATE_FULL the state cannot be written/, /Free some space/)
      expect(await world.photo()).toEqual(untouched)
      disk.free()
      expectRun(await world.keyturn(['rotate', 'database']), 4)
      const before = await world.photo()
      expectRun(await world.keyturn(['abort', 'database'], disk.fill()), 1, /STATE_FULL/)
      expect(await world.photo()).toEqual(before)
      disk.free()
      expectRun(await world.keyturn(['abort', 'database']), 0, /Rolled back/)
      expectRun(await world.keyturn(['audit', 'verify']), 0)
      expect(await world.leaks()).toEqual([])
    } finally {
      disk.close()
    }
  })

  it('under the store: the old content is untouched, nothing lies beside it, a person is told; with room again it is resumed', async () => {
    const world = await theatre.open()
    const folder = join(world.run, 'disk')
    const disk = smallDisk(way, folder, 'store')
    try {
      cpSync(world.stage.envFile, join(folder, '.env'))
      rmSync(world.stage.envFile)
      symlinkSync(join(folder, '.env'), world.stage.envFile)
      world.allow(join(folder, '.env'))
      const before = await world.photo()
      expectRun(await world.keyturn(['rotate', 'database'], disk.fill()), 6, /✘ publish:0: there is no space left to write/, /Paused: there is no space left/, /Free some space/)
      expect((await world.photo()).store).toBe(before.store)
      expect(existsSync(join(folder, '.env.keyturn-tmp'))).toBe(false)
      expect(await world.login(await world.stage.dsn())).toBe('accepted')
      expectRun(await world.keyturn(['status']), 0, /paused/, /there is no space left/)
      disk.free()
      expectRun(await world.keyturn(['resume', '--wait']), 0, /Done/)
      expect(await world.leaks()).toEqual([])
    } finally {
      // What is on it has to be where the scan and the teardown look.
      const text = readFileSync(world.stage.envFile)
      rmSync(world.stage.envFile)
      writeFileSync(world.stage.envFile, text, { mode: 0o600 })
      disk.close()
    }
  })
})
