import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { BACKENDS, entry, NOW, openOne, take } from '../../test/fixture/state.ts'
import { append, chain, GENESIS, readJournal, type StoredEntry, storedBytes, verifyChain } from './journal.ts'
import { claim } from './lease.ts'
import type { State } from './open.ts'
import { findRotation } from './rotation.ts'

async function counts(state: State): Promise<Record<string, number>> {
  const { rows } = await sql<Record<string, number>>`
    select (select count(*) from event) event, (select count(*) from sealed) sealed,
      (select count(*) from credential) credential, (select count(holds) from rotation) lock`.execute(state.db)
  return { ...rows[0] }
}

const together = {
  sealed: { new: { ciphertext: Buffer.from('sealed'), mac: 'mac' } },
  ledger: [{ secretKey: 'atlas/staging/database', providerId: 'app', fingerprint: 'kf:1', state: 'staged' }],
  holds: { resource: 'store:one', until: NOW + 1_000, begins: true },
}

describe.each(BACKENDS)('append, on $name', ({ fresh }) => {
  it('writes the entries and all that belongs to them, and moves the head on', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    await append(state, held, [entry(2), entry(3)], { ...together, dueAt: NOW + 9, waitsFor: 'grace' })
    expect(await counts(state)).toEqual({ event: 3, sealed: 1, credential: 1, lock: 1 })
    const row = await findRotation(state.db, 'one')
    expect(row).toMatchObject({ seq: 3, head: held.head, due_at: NOW + 9, waits_for: 'grace' })
    const stored = await readJournal(state.db, 'one')
    expect(stored.map((each) => each.body)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }])
    expect(verifyChain(stored, { seq: 3, hash: held.head })).toBeUndefined()
  })

  it('refuses a second writer with FENCED, and writes nothing of it (I10)', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const first = await take(state, 'one')
    const second = (await claim(state.db, 'one', 'owner 2', () => NOW, () => true)).claim
    await append(state, second, [entry(2)])
    const before = await findRotation(state.db, 'one')
    // Its number may even fit: the fence alone says no.
    for (const late of [first, { ...first, seq: second.seq, head: second.head }]) {
      await expect(
        append(state, late, [entry(9)], { ...together, close: { result: 'done', wipe: [] } })
      ).rejects.toMatchObject({ code: 'FENCED' })
    }
    expect(await findRotation(state.db, 'one')).toEqual(before)
    expect(await counts(state)).toEqual({ event: 2, sealed: 0, credential: 0, lock: 0 })
    expect(first.seq).toBe(1)
  })

  it('refuses an owner that has not seen the newest entry with FENCED, though the fence is its own', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const stale = { ...held }
    await append(state, held, [entry(2)])
    await expect(append(state, stale, [entry(2)])).rejects.toMatchObject({ code: 'FENCED' })
    expect((await readJournal(state.db, 'one')).length).toBe(2)
  })

  it('of many writers at once lets exactly one through', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => append(state, { ...held }, [entry(2, { writer: at })]))
    )
    expect(all.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
    expect((await readJournal(state.db, 'one')).length).toBe(2)
  })

  it('frees and wipes what it is told to when it closes', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const sealed = { ciphertext: Buffer.from('sealed'), mac: 'mac' }
    await append(state, held, [entry(2)], { ...together, sealed: { new: sealed, old: sealed } })
    await append(state, held, [entry(3)], { close: { result: 'done', wipe: ['old'] } })
    expect(await counts(state)).toMatchObject({ sealed: 1, lock: 0 })
    expect(await findRotation(state.db, 'one')).toMatchObject({ result: 'done', closed_at: NOW + 3, owner: null, due_at: null })
  })
})

describe('the chain', () => {
  it('is what anybody can compute: SHA-256 over the hash before, a line feed and the bytes', () => {
    // printf '%064d\n{}' 0 | sha256sum
    expect(chain(GENESIS, '{}')).toBe('5649d09ed68c17156095d175eef152856c5b1a81c117c409c1e00f096aa6838e')
    expect(storedBytes(1, entry(1))).toBe(`{"seq":1,"type":"noted","at":${NOW + 1},"number":1}`)
  })
})

describe.each(BACKENDS)('verifyChain, on $name', ({ fresh }) => {
  const tampered: Readonly<Record<string, (state: State) => Promise<unknown>>> = {
    'an edited body': (state) =>
      sql`update event set body = replace(body, '"number":3', '"number":7') where seq = 3`.execute(state.db),
    'a body that is no JSON any more': (state) => sql`update event set body = 'gone' where seq = 3`.execute(state.db),
    'a body that is no object any more': (state) => sql`update event set body = 'null' where seq = 3`.execute(state.db),
    'an edited type': (state) => sql`update event set type = 'other' where seq = 3`.execute(state.db),
    'an edited time': (state) => sql`update event set at = at + 1 where seq = 3`.execute(state.db),
    'an edited hash': (state) => sql`update event set hash = ${'a'.repeat(64)} where seq = 3`.execute(state.db),
    'a dropped tail': (state) => sql`delete from event where seq = 5`.execute(state.db),
    'a dropped head': (state) => sql`delete from event where seq = 1`.execute(state.db),
    'a dropped middle': (state) => sql`delete from event where seq = 3`.execute(state.db),
    'two entries in another order': async (state) => {
      await sql`update event set seq = 99 where seq = 2`.execute(state.db)
      await sql`update event set seq = 2 where seq = 3`.execute(state.db)
      await sql`update event set seq = 3 where seq = 99`.execute(state.db)
    },
    'two bodies in another order, numbers and all': async (state) => {
      const [a, b] = (await readJournal(state.db, 'one')).slice(1, 3)
      for (const [seq, from] of [[2, b], [3, a]] as const) {
        const body = from?.bytes.replace(/"seq":\d/, `"seq":${seq}`)
        await sql`update event set body = ${body}, at = ${from?.at} where seq = ${seq}`.execute(state.db)
      }
    },
    'an entry of somebody else at the end': (state) =>
      sql`insert into event (rotation, seq, type, at, body, hash)
        values ('one', 6, 'noted', ${NOW}, ${storedBytes(6, { type: 'noted', at: NOW, body: {} })}, 'x')`.execute(state.db),
    'another head': (state) => sql`update rotation set head = ${'a'.repeat(64)}`.execute(state.db),
  }

  async function journalOfFive(): Promise<State> {
    const state = await fresh()
    await openOne(state, 'one')
    await append(state, await take(state, 'one'), [entry(2), entry(3), entry(4), entry(5)])
    return state
  }

  async function verify(state: State): Promise<string | undefined> {
    const row = await findRotation(state.db, 'one')
    return verifyChain(await readJournal(state.db, 'one'), { seq: row.seq, hash: row.head })
  }

  it('finds nothing in a journal as it was written', async () => {
    expect(await verify(await journalOfFive())).toBeUndefined()
  })

  it.each(Object.entries(tampered))('finds %s', async (_, tamper) => {
    const state = await journalOfFive()
    await tamper(state)
    expect(await verify(state)).toMatch(/entr|head/)
  })

  it('names the first entry that does not fit', async () => {
    const state = await journalOfFive()
    await tampered['an edited body']?.(state)
    expect(await verify(state)).toBe('entry 3 was changed')
  })

  it('cannot find it when every later hash and the head are computed again: that takes a receipt or a checkpoint', async () => {
    const state = await journalOfFive()
    let hash = GENESIS
    const forged = (await readJournal(state.db, 'one')).map((each): StoredEntry => {
      const body = each.seq === 2 ? { number: 7 } : each.body
      const bytes = storedBytes(each.seq, { ...each, body })
      hash = chain(hash, bytes)
      return { ...each, body, bytes, hash }
    })
    expect(verifyChain(forged, { seq: 5, hash })).toBeUndefined()
  })
})
