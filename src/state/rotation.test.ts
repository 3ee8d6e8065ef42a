import { describe, expect, it } from 'vitest'
import { BACKENDS, entry, NOW, openOne, take } from '../../test/fixture/state.ts'
import { append, readJournal } from './journal.ts'
import { findRotation, listRotations, nextDue } from './rotation.ts'

describe.each(BACKENDS)('a rotation, on $name', ({ fresh }) => {
  it('is the only open one of its principal, whatever secret names it: ROTATION_OPEN (X-04, I10)', async () => {
    const state = await fresh()
    await openOne(state, 'one', { principal: 'principal:db/app' })
    for (const part of [{}, { secret: 'other' }, { system: 'borealis' }]) {
      await expect(
        openOne(state, 'two', { principal: 'principal:db/app', ...part })
      ).rejects.toMatchObject({ code: 'ROTATION_OPEN', about: 'one' })
    }
    expect((await listRotations(state.db)).map((row) => row.id)).toEqual(['one'])
    expect(await readJournal(state.db, 'two')).toEqual([])
    await openOne(state, 'three', { principal: 'principal:db/other' })
  })

  it('of a serial system is opened only while no other one is open, also of many at once (S4-21)', async () => {
    const state = await fresh()
    await openOne(state, 'elsewhere', { system: 'borealis' })
    const all = await Promise.allSettled(Array.from({ length: 4 }, (_, at) => openOne(state, `r${at}`, { alone: true })))
    expect(all.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
    const open = (await listRotations(state.db, { system: 'atlas' })).map((row) => row.id)
    expect(open).toHaveLength(1)
    await expect(openOne(state, 'late', { alone: true })).rejects.toMatchObject({ code: 'ROTATION_OPEN', about: `${open[0]}, and \`schedule.serial\` lets only one of the system be` })
    await append(state, await take(state, open[0] ?? ''), [entry(2)], { close: { result: 'done', wipe: [] } })
    await openOne(state, 'late', { alone: true })
  })

  it('makes way when it is closed', async () => {
    const state = await fresh()
    await openOne(state, 'one', { principal: 'principal:db/app' })
    await append(state, await take(state, 'one'), [entry(2)], { close: { result: 'rolled-back', wipe: ['new', 'old'] } })
    await openOne(state, 'two', { principal: 'principal:db/app' })
    expect((await listRotations(state.db, { open: true })).map((row) => row.id)).toEqual(['two'])
    expect((await listRotations(state.db, { open: false })).map((row) => row.id)).toEqual(['one'])
  })

  it('of many at once is opened once', async () => {
    const state = await fresh()
    const all = await Promise.allSettled(
      Array.from({ length: 6 }, (_, at) => openOne(state, `r${at}`, { principal: 'principal:db/app' }))
    )
    expect(all.filter((each) => each.status === 'fulfilled')).toHaveLength(1)
    expect(await listRotations(state.db)).toHaveLength(1)
  })

  it('is found by its id, by a beginning that no other has, and by its secret while it is open', async () => {
    const state = await fresh()
    await openOne(state, 'database-20260101-aa0000')
    await openOne(state, 'database-20260101-ab0000', { secret: 'cache' })
    for (const id of ['database-20260101-aa0000', 'database-20260101-aa', 'database']) {
      expect((await findRotation(state.db, id)).id).toBe('database-20260101-aa0000')
    }
    await expect(findRotation(state.db, 'database-2026')).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
    await expect(findRotation(state.db, 'nothing')).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN', about: 'nothing' })
  })

  it('that is one of several of its secret is not guessed: they are listed newest first, with how to name one', async () => {
    const state = await fresh()
    for (const [number, id] of ['database-1', 'database-3', 'database-2'].entries()) {
      await openOne(state, id, { opened: entry(number * 60_000) })
      await append(state, await take(state, id), [entry(200_000)], { close: { result: number === 1 ? 'rolled-back' : 'done', wipe: [] } })
    }
    await openOne(state, 'database-replica-1', { secret: 'database-replica', opened: entry(300_000) })
    await expect(findRotation(state.db, 'database')).rejects.toMatchObject({
      code: 'ROTATION_UNKNOWN',
      about: [
        'database could be one of 3, newest first:',
        '  database-2  opened 2026-01-01T00:02:00Z  done',
        '  database-3  opened 2026-01-01T00:01:00Z  rolled-back',
        '  database-1  opened 2026-01-01T00:00:00Z  done',
      ].join('\n'),
      hint: 'Name one by its id, or by a beginning of it that no other has: `keyturn show database-2`.',
    })
    await expect(findRotation(state.db, 'data')).rejects.toMatchObject({ about: expect.stringMatching(/^data could be one of 4, newest first:\n {2}database-replica-1 .* open\n/) })
    expect((await findRotation(state.db, 'database-replica')).id).toBe('database-replica-1')
    await openOne(state, 'database-4', { principal: 'principal:database-1', opened: entry(400_000) })
    expect((await findRotation(state.db, 'database')).id).toBe('database-4')
  })

  it('is found whatever characters its name has, and only as they are', async () => {
    const state = await fresh()
    await openOne(state, 'db_main-1', { secret: 'db_main' })
    await openOne(state, '100%-1', { secret: '100%' })
    await openOne(state, 'Upper-1', { secret: 'Upper' })
    for (const id of ['db_main-1', '100%-1', 'Upper-1']) expect((await findRotation(state.db, id)).id).toBe(id)
    for (const id of ['dbmain', 'db%', '_', '%', 'upper-1']) {
      await expect(findRotation(state.db, id)).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
    }
  })

  it('is listed newest first, by system, secret and due time; the next due time is that of an open one', async () => {
    const state = await fresh()
    await openOne(state, 'one', { opened: entry(1) })
    await openOne(state, 'two', { system: 'borealis', opened: entry(2) })
    await openOne(state, 'three', { secret: 'cache', opened: entry(3) })
    await append(state, await take(state, 'two'), [entry(4)], { dueAt: NOW + 500 })
    await append(state, await take(state, 'one'), [entry(4)], { dueAt: null })
    expect((await listRotations(state.db)).map((row) => row.id)).toEqual(['three', 'two', 'one'])
    expect((await listRotations(state.db, { system: 'borealis' })).map((row) => row.id)).toEqual(['two'])
    expect((await listRotations(state.db, { secret: 'cache' })).map((row) => row.id)).toEqual(['three'])
    expect((await listRotations(state.db, { open: true, dueBy: NOW + 499 })).map((row) => row.id)).toEqual(['three'])
    expect(await nextDue(state.db)).toBe(NOW + 3)
    await append(state, await take(state, 'three'), [entry(5)], { close: { result: 'done', wipe: [] } })
    expect(await nextDue(state.db)).toBe(NOW + 500)
  })
})
