import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { entry, freshDatabase, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { queryAt, ready, until } from '../../test/servers/postgres.ts'
import { type Proxy, startProxy } from '../../test/servers/proxy.ts'
import { append, readJournal, verifyChain } from './journal.ts'
import { claim, renew } from './lease.ts'
import { Secret } from '../kit/secret.ts'
import { openState, type State } from './open.ts'
import type { DatabasePlace } from './place.ts'
import { openPostgres } from './postgres.ts'
import { postgresError } from './postgres-error.ts'
import { findRotation } from './rotation.ts'

type Reached = State & { readonly identityFile: string; readonly place: DatabasePlace }

/** A state on PostgreSQL by a way that can fail, with a rotation in it. */
async function behindProxy(): Promise<{ readonly state: Reached; readonly proxy: Proxy }> {
  const root = tempFolder()
  const proxy = await startProxy(await ready(inject('postgresUrl')))
  onTestFinished(() => proxy.close())
  const place = await freshDatabase(root, proxy.url)
  const identityFile = join(root, 'identity')
  const state = await openState(place, identityFile, true)
  onTestFinished(() => state.close())
  await openOne(state, 'one')
  return { state: { ...state, identityFile, place }, proxy }
}

/** What stands in the table, and whether it is a chain. */
async function journalOf(state: State): Promise<{ readonly entries: number; readonly broken: string | undefined }> {
  const row = await findRotation(state.db, 'one')
  const stored = await readJournal(state.db, 'one')
  return { entries: stored.length, broken: verifyChain(stored, { seq: row.seq, hash: row.head }) }
}

/** An append of its own, which is one statement, and one that takes a resource, which is a transaction; where its commit is seen. */
const APPENDS = [
  { name: 'one statement', together: {}, commits: '"number":2' },
  { name: 'a transaction', together: { holds: { resource: 'store:a', until: 5_000_000_000_000, begins: true } }, commits: 'commit\0' },
] as const

describe.each(APPENDS)('a commit of $name whose connection is cut', ({ together, commits }) => {
  it('after the server wrote it, without its answer, is found written, and the run goes on', async () => {
    const { state, proxy } = await behindProxy()
    const held = await take(state, 'one')
    proxy.cutAt(commits, 'after')
    await append(state, held, [entry(2)], together)
    expect(held.seq).toBe(2)
    await append(state, held, [entry(3)])
    expect(await journalOf(state)).toEqual({ entries: 3, broken: undefined })
  })

  it('before the server has seen it is found not written, and nothing of it is there: STATE_UNREACHABLE', async () => {
    const { state, proxy } = await behindProxy()
    const held = await take(state, 'one')
    proxy.cutAt(commits, 'before')
    await expect(append(state, held, [entry(2)], together)).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    expect(held.seq).toBe(1)
    expect(await journalOf(state)).toEqual({ entries: 1, broken: undefined })
    // The same right still holds: nothing was lost with the connection.
    await append(state, held, [entry(2)], together)
    expect(await journalOf(state)).toEqual({ entries: 2, broken: undefined })
  })
})

describe('a commit whose connection is cut', () => {
  it('in the middle of a transaction leaves nothing of it', async () => {
    const { state, proxy } = await behindProxy()
    const held = await take(state, 'one')
    // The statement itself is known to the server already; what goes over the wire is the entry.
    proxy.cutAt('"number":2', 'after')
    await expect(append(state, held, [entry(2)], APPENDS[1].together)).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    expect(await journalOf(state)).toEqual({ entries: 1, broken: undefined })
  })

  it.each(['before', 'after'] as const)('opens a rotation wholly or not at all (%s the server saw it)', async (when) => {
    const { state, proxy } = await behindProxy()
    proxy.cutAt('commit\0', when)
    const opened = openOne(state, 'two')
    if (when === 'after') await opened
    else await expect(opened).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    expect(await readJournal(state.db, 'two')).toHaveLength(when === 'after' ? 1 : 0)
  })
})

describe('a state that does not answer', () => {
  it('is told as STATE_UNREACHABLE by whatever asks it, and works again when it is back', async () => {
    const { state, proxy } = await behindProxy()
    const held = await take(state, 'one')
    proxy.refuse(true)
    proxy.cut()
    const codes = await Promise.allSettled([
      append(state, held, [entry(2)]), renew(state.db, held, Date.now()), claim(state.db, 'one', 'owner 2', state.clock, () => true), findRotation(state.db, 'one'), state.clock(),
      openState(state.place, state.identityFile),
    ])
    expect(codes.map((each) => (each.status === 'rejected' ? (each.reason as { code?: unknown }).code : 'none'))).toEqual(Array(6).fill('STATE_UNREACHABLE'))
    proxy.refuse(false)
    await append(state, held, [entry(2)])
    expect(await journalOf(state)).toEqual({ entries: 2, broken: undefined })
  })

  it('that ends a connection which nobody uses is asked by another one, as soon as that is known', async () => {
    const { state } = await behindProxy()
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(state.db)
    await queryAt(inject('postgresUrl'), 'select pg_terminate_backend($1)', [rows[0]?.pid])
    await until(() => findRotation(state.db, 'one').then(() => true, () => false), 'no other connection is made')
  })

  it('and says nothing is given up in its time, and the connection with it', async () => {
    const { state, proxy } = await behindProxy()
    const backend = await openPostgres(state.place.url, { lock: 100, connect: 500, query: 300, patience: 0 })
    onTestFinished(() => backend.close())
    expect(await findRotation(backend.db, 'one')).toMatchObject({ id: 'one' })
    proxy.silence(true)
    await expect(findRotation(backend.db, 'one')).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    await expect(backend.commit([{ query: backend.db.deleteFrom('sealed').compile() }])).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
    proxy.silence(false)
    expect(await findRotation(backend.db, 'one')).toMatchObject({ id: 'one' })
  })

  it('is told without user, password or address, whatever is wrong with the login', async () => {
    const { state } = await behindProxy()
    const { url, host } = state.place
    const wrong = new URL(url.reveal())
    wrong.password = 'nobody-knows-this'
    const nowhere = new URL(url.reveal())
    nowhere.pathname = '/no_such_database'
    for (const [each, about] of [[wrong, 'it refuses the login'], [nowhere, 'there is no such database']] as const) {
      const thrown: unknown = await openState({ url: new Secret(each.href), host }, state.identityFile).catch((error: unknown) => error)
      expect(thrown).toMatchObject({ code: 'STATE_UNREACHABLE', about })
      expect(JSON.stringify(thrown) + String(thrown)).not.toMatch(/nobody-knows-this|postgres:|no_such_database/)
    }
  })
})

describe('an error of PostgreSQL', () => {
  it.each([
    ['08006', 'STATE_UNREACHABLE'], ['57P01', 'STATE_UNREACHABLE'], ['53300', 'STATE_UNREACHABLE'], ['28P01', 'STATE_UNREACHABLE'], ['42501', 'STATE_UNREACHABLE'],
    ['53100', 'STATE_FULL'], ['25006', 'STATE_FULL'], ['55P03', 'LOCKED'], ['40001', 'LOCKED'], ['40P01', 'LOCKED'],
  ])('%s is %s in keyturn\'s words, without those of the server', (code, ours) => {
    const error = postgresError(Object.assign(new Error('Key (value)=(tell nobody)'), { code, severity: 'ERROR' }))
    expect(error).toMatchObject({ code: ours, cause: { name: 'Error', code } })
    expect(String(error)).not.toContain('tell nobody')
  })

  it('with the statement itself is left as it is', () => {
    const error = Object.assign(new Error('x'), { code: '23505', severity: 'ERROR' })
    expect(postgresError(error)).toBe(error)
  })
})
