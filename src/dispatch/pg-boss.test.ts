import { randomBytes } from 'node:crypto'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { freshDatabase, tempFolder } from '../../test/fixture/state.ts'
import { queryAt, until } from '../../test/servers/postgres.ts'
import { openPostgres } from '../state/postgres.ts'
import { openBoss, type Whose } from './pg-boss.ts'
import type { Waker } from './waker.ts'

const ATLAS: Whose = { system: 'atlas', environment: 'staging' }

interface Desk {
  readonly schema: string
  /** A worker's way to the jobs. */
  worker(whose?: Whose): Promise<Waker>
  /** What lies in pg-boss's own table. */
  jobs(): Promise<readonly { readonly state: string; readonly singleton_key: string; readonly retry_limit: number }[]>
}

async function desk(): Promise<Desk> {
  const { url } = await freshDatabase(tempFolder())
  const backend = await openPostgres(url)
  const { schema = '' } = backend
  const adminUrl = inject('postgresUrl')
  const wakers: Waker[] = []
  onTestFinished(async () => {
    await Promise.all(wakers.map((waker) => waker.close()))
    await backend.close()
    await queryAt(adminUrl, `drop schema if exists ${schema}_jobs cascade`)
  })
  return {
    schema,
    async worker(whose = ATLAS) {
      const waker = await openBoss(backend, whose, (thrown) => { throw thrown })
      wakers.push(waker)
      return waker
    },
    jobs: () => queryAt(adminUrl, `select state::text, singleton_key, retry_limit from ${schema}_jobs.job order by singleton_key`),
  }
}

/** Everything that a worker is given until there is nothing more. */
async function takeAll(waker: Waker): Promise<string[]> {
  const all: string[] = []
  for (let given = await waker.take(3); given.length > 0; given = await waker.take(3)) all.push(...given)
  return all.toSorted()
}

describe('wakes on pg-boss', () => {
  it('are one for each rotation, however often and by whomever it is expected, and are never tried again', async () => {
    const { worker, jobs } = await desk()
    const [one, other] = [await worker(), await worker()]
    const due = ['a', 'b'].map((id) => ({ id, at: Date.now() - 1 }))
    for (const each of [one, other, one]) await each.expect(due)
    expect(await jobs()).toEqual(['a', 'b'].map((key) => ({ state: 'created', singleton_key: key, retry_limit: 0 })))
    expect(await takeAll(one)).toEqual(['a', 'b'])
    expect(await takeAll(other)).toEqual([])
    // Nothing of a wake that was taken is left, so the next one can be made at once.
    expect(await jobs()).toEqual([])
    await other.expect(due)
    expect(await takeAll(one)).toEqual(['a', 'b'])
  })

  it('are given to one worker each, of many that ask at once', async () => {
    const { worker } = await desk()
    const workers = await Promise.all(Array.from({ length: 4 }, () => worker()))
    const ids = Array.from({ length: 40 }, () => randomBytes(6).toString('hex')).toSorted()
    await workers[0]?.expect(ids.map((id) => ({ id, at: 0 })))
    const given: (readonly string[])[] = []
    // All ask at once, for one each, again and again: nobody is so fast that nothing is left for the others.
    for (let round: (readonly string[])[] = [['']]; round.flat().length > 0; given.push(...round)) round = await Promise.all(workers.map((each) => each.take(1)))
    expect(given.flat().toSorted()).toEqual(ids)
    expect(given.slice(0, workers.length).filter((each) => each.length > 0).length).toBeGreaterThan(1)
  })

  it('come at their time, not before', async () => {
    const { worker } = await desk()
    const waker = await worker()
    const at = Date.now() + 700
    await waker.expect([{ id: 'later', at }])
    expect(await waker.take(1)).toEqual([])
    await until(async () => (await waker.take(1)).length > 0, 'it was not woken')
    expect(Date.now()).toBeGreaterThanOrEqual(at - 1)
  })

  it('of another system or environment on the same state are not ours', async () => {
    const { worker } = await desk()
    const others = await Promise.all([{ ...ATLAS, system: 'borealis' }, { ...ATLAS, environment: 'production' }].map(worker))
    await (await worker()).expect([{ id: 'a', at: 0 }])
    for (const other of others) expect(await other.take(5)).toEqual([])
  })

  it('lie in a schema of their own, and set up by many at once are set up once', async () => {
    const { worker, schema } = await desk()
    await Promise.all(Array.from({ length: 4 }, () => worker()))
    expect(await queryAt(inject('postgresUrl'), `select count(*)::int as queues from ${schema}_jobs.queue where policy = 'exclusive'`)).toEqual([{ queues: 1 }])
  })
})
