import { createHash } from 'node:crypto'
import { KeyturnError } from '../kit/error.ts'
import type { State } from '../state/open.ts'
import type { Waker } from './waker.ts'

/** A worker that was killed between taking a wake and dropping it leaves it behind; after this long it is cleared away. */
const EXPIRES_SECONDS = 60

/** Whose rotations are woken: workers of other manifests on the same state have a queue of their own. */
export interface Whose {
  readonly system: string
  readonly environment: string
}

/**
 * Wakes as jobs of pg-boss, over the connections of the state: one job for each rotation at most (`exclusive`), to start at its due
 * time. A job is dropped when it is taken, so nothing of pg-boss has a say in what happens then: no retries, no heartbeat, no
 * schedules. Its tables lie in a schema of their own, beside that of the state. `onTrouble` is told what fails in the background.
 * Throws what pg-boss or the database throws when it cannot be set up; and INTERNAL where the state is no database.
 */
export async function openBoss(state: Pick<State, 'hint' | 'schema'>, whose: Whose, onTrouble: (thrown: unknown) => void): Promise<Waker> {
  const { hint, schema } = state
  if (schema === undefined || hint === undefined) throw new KeyturnError('INTERNAL', 'pg-boss needs PostgreSQL')
  const { PgBoss } = await import('pg-boss')
  const underway = new Set<Promise<unknown>>()
  let closed = false
  const executeSql = async (text: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> => {
    // It looks after its tables in the background, and does not wait for that when it is stopped; the connections are not its own.
    if (closed) return { rows: [] }
    const asked = hint(text, values)
    underway.add(asked)
    try {
      return await asked
    } finally {
      underway.delete(asked)
    }
  }
  const boss = new PgBoss({
    schema: `${schema}_jobs`,
    db: { executeSql },
    schedule: false,
    reindex: false,
    monitorVacuum: false,
  })
  boss.on('error', (error) => { if (!closed) onTrouble(error) })
  await boss.start()
  const queue = `wake-${createHash('sha256').update(JSON.stringify([whose.system, whose.environment])).digest('hex').slice(0, 32)}`
  await boss.createQueue(queue, { policy: 'exclusive', retryLimit: 0, expireInSeconds: EXPIRES_SECONDS, deleteAfterSeconds: EXPIRES_SECONDS })
  return {
    async expect(due) {
      if (due.length > 0) await boss.insert(queue, due.map(({ id, at }) => ({ singletonKey: id, data: { rotation: id }, startAfter: new Date(at) })))
    },
    async take(count) {
      const jobs = await boss.fetch<{ rotation: string }>(queue, { batchSize: count })
      if (jobs.length > 0) await boss.deleteJob(queue, jobs.map((job) => job.id))
      return jobs.map((job) => job.data.rotation)
    },
    async close() {
      closed = true
      await boss.stop({ graceful: false })
      await Promise.allSettled(underway)
    },
  }
}
