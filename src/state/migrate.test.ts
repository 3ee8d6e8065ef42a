import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { BACKENDS, entry, freshDatabase, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { writeVersion1 } from '../../test/fixture/version-1.ts'
import { play } from '../../test/review/play.ts'
import { queryAt, ready } from '../../test/servers/postgres.ts'
import { drive } from '../engine/drive.ts'
import { verifyState } from '../proof/audit.ts'
import { readEvents } from '../journal/read.ts'
import { Secret } from '../kit/secret.ts'
import { createIdentity } from '../sealing/identity.ts'
import { append, readJournal, verifyChain } from './journal.ts'
import { openState, type State } from './open.ts'
import { findRotation } from './rotation.ts'
import { STATE_VERSION } from './schema.ts'

/** Everything that is in the tables of a state. */
async function contentOf({ db }: State): Promise<unknown> {
  return Promise.all([
    db.selectFrom('meta').selectAll().orderBy('key').execute(), db.selectFrom('rotation').selectAll().orderBy('id').execute(), db.selectFrom('event').selectAll().orderBy('rotation').orderBy('seq').execute(),
  ])
}

async function setVersion(state: State, version: number): Promise<void> {
  if (state.kind === 'sqlite') await sql.raw(`pragma user_version = ${version}`).execute(state.db)
  else await state.db.updateTable('meta').set({ value: String(version) }).where('key', '=', 'version').execute()
}

describe.each(BACKENDS)('the migrations, on $name', ({ fresh, place: freshPlace }) => {
  it('run once: opening again changes nothing', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const before = await contentOf(state)
    for (let time = 0; time < 3; time += 1) await (await openState(state.place, state.identityFile)).close()
    expect(await contentOf(state)).toEqual(before)
  })

  it('run once also when many open a new state at the same time', async () => {
    const root = tempFolder()
    const identityFile = join(root, 'identity')
    await createIdentity(identityFile)
    const place = await freshPlace(root)
    const states = await Promise.all(Array.from({ length: 4 }, () => openState(place, identityFile, true)))
    expect(new Set(states.map((state) => state.publicKey)).size).toBe(1)
    expect(new Set(states.map((state) => state.folder)).size).toBe(1)
    await Promise.all(states.map((state) => state.close()))
  })

  it('refuse a state of a newer keyturn with STATE_NEWER, and change nothing in it', async () => {
    const state = await fresh()
    await setVersion(state, STATE_VERSION + 1)
    const before = await contentOf(state)
    await expect(openState(state.place, state.identityFile)).rejects.toMatchObject({ code: 'STATE_NEWER', about: expect.stringContaining(String(STATE_VERSION + 1)) as string })
    expect(await contentOf(state)).toEqual(before)
  })

  it('bring a state of the first version forward with a rotation open, and it is finished from where it was', async () => {
    const { engine, rotation, outside, dieAt } = await play()
    await dieAt('publish:0', 'after-effect')
    const place = await freshPlace()
    await writeVersion1(place, engine.state)
    const { identityFile } = engine.state as State & { identityFile: string }
    // Several at once, as after an upgrade of all workers.
    const [state, ...others] = await Promise.all(Array.from({ length: 3 }, () => openState(place, identityFile)))
    if (state === undefined) throw new Error('not opened')
    onTestFinished(() => state.close())
    await Promise.all(others.map((other) => other.close()))
    const before = (await readEvents({ state }, rotation)).events
    expect(before).toEqual((await readEvents(engine, rotation)).events)
    while (true) {
      const stopped = await drive({ ...engine, state, isDead: () => true }, rotation)
      if (stopped.is === 'closed') break
      if (stopped.is !== 'waiting') throw new Error(JSON.stringify(stopped))
      outside.now = Math.max(outside.now, stopped.again)
    }
    const { events } = await readEvents({ state }, rotation)
    expect(events.slice(0, before.length)).toEqual(before)
    expect(events.filter((event) => event.type === 'intent-recorded' && event.step === 'publish:0')).toHaveLength(1)
    expect(await findRotation(state.db, rotation)).toMatchObject({ result: 'done', holds: null })
    expect((await verifyState(state)).problems).toEqual([])
  })
})

describe('a state on PostgreSQL', () => {
  it('of several first runs with other identities belongs to one of them, and the others are told', async () => {
    const root = tempFolder()
    const place = await freshDatabase(root)
    const opened = await Promise.allSettled(Array.from({ length: 4 }, (_, at) => openState(place, join(root, `identity-${at}`), true)))
    const states = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    await Promise.all(states.map((state) => state.close()))
    expect(states).toHaveLength(1)
    expect(opened.flatMap((each) => (each.status === 'rejected' ? [(each.reason as { code?: unknown }).code] : []))).toEqual(Array(3).fill('IDENTITY_WRONG'))
  })

  it('lies in the schema keyturn when its URL names no other one, and needs no right to make one that is there', async () => {
    const adminUrl = await ready(inject('postgresUrl'))
    const name = `state_${randomBytes(6).toString('hex')}`
    const password = randomBytes(12).toString('hex')
    for (const statement of [`create role ${name} login password '${password}'`, `create database ${name}`, `revoke all on database ${name} from public`, `grant connect on database ${name} to ${name}`]) await queryAt(adminUrl, statement)
    onTestFinished(async () => {
      await queryAt(adminUrl, `drop database ${name} with (force)`)
      await queryAt(adminUrl, `drop role ${name}`)
    })
    const url = new URL(adminUrl)
    url.pathname = `/${name}`
    const inIt = url.href
    url.username = name
    url.password = password
    const root = tempFolder()
    const place = { url: new Secret(url.href), host: join(root, 'host') }
    await expect(openState(place, join(root, 'identity'), true)).rejects.toMatchObject({ code: 'STATE_UNREACHABLE', about: 'its role lacks a right on the tables of the state' })
    await queryAt(inIt, `create schema keyturn authorization ${name}`)
    const state = await openState(place, join(root, 'identity'), true)
    await openOne(state, 'one')
    await append(state, await take(state, 'one'), [entry(2)])
    const row = await findRotation(state.db, 'one')
    expect(verifyChain(await readJournal(state.db, 'one'), { seq: row.seq, hash: row.head })).toBeUndefined()
    await state.close()
    expect(await queryAt(inIt, `select distinct schemaname from pg_tables where tablename in ('rotation', 'event', 'sealed')`)).toEqual([{ schemaname: 'keyturn' }])
  })

  it('commits durably whatever the defaults of server, database and role are', async () => {
    const { url, host } = await freshDatabase()
    const lax = new URL(url.reveal())
    lax.searchParams.set('options', `${lax.searchParams.get('options') ?? ''} -c synchronous_commit=off -c default_transaction_isolation=serializable`)
    const state = await openState({ url: new Secret(lax.href), host }, join(tempFolder(), 'identity'), true)
    onTestFinished(() => state.close())
    const { rows } = await sql<{ name: string; setting: string }>`select name, setting from pg_settings where name in ('synchronous_commit', 'default_transaction_isolation') order by name`.execute(state.db)
    expect(rows.map((row) => row.setting)).toEqual(['read committed', 'on'])
  })
})
