import { describe, expect, it } from 'vitest'
import { BACKENDS, entry, type FreshState, NOW, openOne, take } from '../../test/fixture/state.ts'
import { append, type Claim, readJournal } from './journal.ts'
import { claim, LEASE_MS, release, renew } from './lease.ts'
import type { State } from './open.ts'
import { findRotation } from './rotation.ts'

const alive = (): boolean => false
const dead = (): boolean => true

async function held(fresh: () => Promise<FreshState>): Promise<{ readonly state: State; readonly first: Claim }> {
  const state = await fresh()
  await openOne(state, 'one')
  return { state, first: await take(state, 'one') }
}

describe.each(BACKENDS)('a lease, on $name', ({ fresh }) => {
  it('is taken once: another owner is told LOCKED and by whom, and changes nothing', async () => {
    const { state } = await held(fresh)
    const before = await findRotation(state.db, 'one')
    await expect(
      claim(state.db, 'one', 'owner 2', () => NOW + LEASE_MS - 1, alive)
    ).rejects.toMatchObject({ code: 'LOCKED', about: 'one is held by owner 1 until 2026-01-01T00:00:15Z, longer while that goes on' })
    expect(await findRotation(state.db, 'one')).toEqual(before)
  })

  it('of many owners at once goes to one', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    const all = await Promise.allSettled(
      Array.from({ length: 6 }, (_, at) => claim(state.db, 'one', `owner ${at}`, () => NOW, alive))
    )
    expect(all.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
    expect(
      all.flatMap((each) => (each.status === 'rejected' ? [(each.reason as { code: string }).code] : []))
    ).toEqual(Array(5).fill('LOCKED'))
  })

  it('is taken over when it has run out, and says that the owner may still be alive', async () => {
    const { state, first } = await held(fresh)
    const second = await claim(state.db, 'one', 'owner 2', () => NOW + LEASE_MS, alive)
    expect(second.predecessor).toBe('expired')
    expect(second.claim.fence).toBeGreaterThan(first.fence)
  })

  it('is taken over at once from a process that is gone', async () => {
    const { state, first } = await held(fresh)
    const second = await claim(state.db, 'one', 'owner 2', () => NOW, dead)
    expect(second.predecessor).toBe('dead')
    expect(second.claim.fence).toBeGreaterThan(first.fence)
  })

  it('of nobody has no predecessor, and the fence grows with every owner, also when the clock goes back', async () => {
    const { state, first } = await held(fresh)
    const fences = [first.fence]
    let last = first
    for (const now of [NOW, NOW - 3_600_000, NOW + 3_600_000, 0]) {
      await release(state.db, last)
      const next = await claim(state.db, 'one', 'owner', () => now, alive)
      expect(next.predecessor).toBe('none')
      last = next.claim
      fences.push(last.fence)
    }
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b))
  })

  it('is renewed by its owner, and refused with FENCED after a takeover (I10)', async () => {
    const { state, first } = await held(fresh)
    await renew(state.db, first, NOW + 10_000)
    await expect(claim(state.db, 'one', 'owner 2', () => NOW + LEASE_MS, alive)).rejects.toMatchObject({ code: 'LOCKED' })
    await claim(state.db, 'one', 'owner 2', () => NOW + 10_000 + LEASE_MS, alive)
    const taken = await findRotation(state.db, 'one')
    await expect(renew(state.db, first, NOW + 50_000)).rejects.toMatchObject({ code: 'FENCED' })
    await release(state.db, first)
    expect(await findRotation(state.db, 'one')).toEqual(taken)
  })
})

describe.each(BACKENDS)('a lock on a resource, on $name', ({ fresh }) => {
  async function two(): Promise<{ readonly state: State; readonly a: Claim; readonly b: Claim }> {
    const state = await fresh()
    await openOne(state, 'a')
    await openOne(state, 'b', { secret: 'cache' })
    return { state, a: await take(state, 'a', 'owner a'), b: await take(state, 'b', 'owner b') }
  }

  const shared = { resource: 'store:shared', until: NOW + 1_000, begins: true }

  it('is held by one rotation for one step: the other is told LOCKED and has written nothing', async () => {
    const { state, a, b } = await two()
    await append(state, a, [entry(2)], { holds: shared })
    await expect(append(state, b, [entry(2)], { holds: shared })).rejects.toMatchObject({ code: 'LOCKED', about: 'store:shared' })
    expect((await readJournal(state.db, 'b')).length).toBe(1)
    await append(state, b, [entry(2)], { holds: { ...shared, resource: 'store:other' } })
    // The outcome is its rotation's last entry now.
    await append(state, a, [entry(3)])
    await append(state, b, [entry(3)], { holds: shared })
    expect((await readJournal(state.db, 'b')).length).toBe(3)
  })

  it('may be taken again by its holder, and is kept over an entry that says nothing of the outcome', async () => {
    const { state, a, b } = await two()
    await append(state, a, [entry(2)], { holds: shared })
    await append(state, a, [entry(3)], { holds: shared })
    await append(state, a, [entry(4)], { holds: { ...shared, begins: false } })
    await append(state, b, [entry(2)], { holds: { ...shared, begins: false } })
    await expect(append(state, b, [entry(3)], { holds: shared })).rejects.toMatchObject({ code: 'LOCKED' })
  })

  it('stands until a late effect can no longer land, whatever becomes of its owner and its lease (I10)', async () => {
    const { state, a, b } = await two()
    const late = { resource: shared.resource, until: NOW + 3 * LEASE_MS, begins: true }
    await append(state, a, [entry(2)], { holds: late })
    await release(state.db, a)
    await expect(append(state, b, [{ ...entry(2), at: late.until - 1 }], { holds: late })).rejects.toMatchObject({ code: 'LOCKED' })
    await claim(state.db, 'a', 'owner c', () => NOW, dead)
    await expect(append(state, b, [{ ...entry(2), at: late.until - 1 }], { holds: late })).rejects.toMatchObject({ code: 'LOCKED' })
    await append(state, b, [{ ...entry(2), at: late.until }], { holds: late })
    expect((await readJournal(state.db, 'b')).length).toBe(2)
  })

  it('of two rotations that take it at the same moment goes to one, every time', async () => {
    const { state, a, b } = await two()
    for (let round = 1; round <= 20; round += 1) {
      const one = { resource: `store:${round}`, until: NOW + 60_000, begins: true }
      const both = await Promise.allSettled([append(state, a, [entry(2 * round)], { holds: one }), append(state, b, [entry(2 * round)], { holds: one })])
      expect(both.map((each) => (each.status === 'rejected' ? (each.reason as { code?: unknown }).code : 'held')).toSorted()).toEqual(['LOCKED', 'held'])
      for (const each of [a, b]) await append(state, each, [entry(2 * round + 1)])
    }
  })

  it('falls with the end of its rotation', async () => {
    const { state, a, b } = await two()
    await append(state, a, [entry(2)], { holds: shared, close: { result: 'done', wipe: [] } })
    await append(state, b, [entry(2)], { holds: shared })
    expect((await readJournal(state.db, 'b')).length).toBe(2)
  })
})
