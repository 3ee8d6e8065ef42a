import type { Ms } from '../kit/call.ts'
import { KeyturnError } from '../kit/error.ts'
import type { Due, Waker } from './waker.ts'

/** A rotation that wants to go on, or soon will. */
export interface Candidate extends Due {
  /** A live process holds it. */
  readonly held: boolean
  /** Whoever held it is gone or fell silent: nobody wakes anybody for it. */
  readonly left: boolean
}

/** One worker's work. */
export interface Loop {
  /** Those that want to go on by this time, unix ms, the longest due first; so many at most that are not held. */
  readonly due: (by: number, atMost: number) => Promise<readonly Candidate[]>
  /** When the next one wants to go on, later than this; undefined when none does. */
  readonly next: (after: number) => Promise<number | undefined>
  /** Carries one on to where it stops, and answers when it may be tried again, unix ms. */
  readonly carryOn: (id: string) => Promise<number>
  /** Absent: the scan alone tells what to do. */
  readonly waker?: Waker
  /** Until everything that is due has stopped, instead of until it is interrupted. */
  readonly once: boolean
  /** So many at the same time. */
  readonly atOnce: number
  readonly now: () => number
  readonly sleep: (ms: Ms, signal: AbortSignal) => Promise<void>
  readonly interrupt: AbortSignal
  /** Told when the state or the waker fails; it is tried again. */
  readonly onTrouble: (error: unknown) => void
}

/** The state is looked at this often: another process may have opened something, or be gone. */
export const SCAN_MS = 1_000

/** With a waker: how often it is asked while there is nothing to do. */
const POLL_MS = 400

/** So far ahead of its due time a rotation's wake is made. */
const AHEAD_MS = 5_000

/** After this long a wake is made again, should it have got lost. */
const REMAKE_MS = 2_000

/** A rotation for which no wake came so long after its due time is carried on without one. */
const LATE_MS = 3_000

/** So many are looked at in one scan. */
const SCAN_ROWS = 200

/** After a failure of the state it is tried again after a second, doubling up to half a minute. */
const PATIENCE_MS = 30_000

/**
 * Goes on with what is due, each at its time, several at the same time: one may watch for an hour while another becomes due. Ends when
 * it is interrupted and all that is under way has stopped, or with `once` when nothing is due. A state that cannot be reached is waited
 * for, but not with `once`. Throws what `carryOn` throws, after the others have stopped.
 */
export async function runLoop(loop: Loop): Promise<void> {
  await new Worker(loop).run()
}

class Worker {
  readonly #loop: Loop
  readonly #underway = new Map<string, Promise<void>>()
  /** When a rotation that stopped may be tried again, however due it looks. */
  readonly #notBefore = new Map<string, number>()
  readonly #broken: unknown[] = []
  /** Ends the sleep at hand when one of them has stopped. */
  #wake = new AbortController()
  /** When this worker last had a wake made for a rotation. */
  readonly #expected = new Map<string, number>()
  #scannedAt = Number.NEGATIVE_INFINITY
  #failures = 0

  constructor(loop: Loop) {
    this.#loop = loop
  }

  async run(): Promise<void> {
    const { interrupt, now, once, sleep } = this.#loop
    while (!interrupt.aborted && this.#broken.length === 0) {
      this.#wake = new AbortController()
      const wait = await this.#turn().catch((thrown: unknown) => this.#afterFailure(thrown))
      if (once && this.#underway.size === 0) break
      await sleep(Math.max(0, wait - now()), AbortSignal.any([interrupt, this.#wake.signal]))
    }
    await Promise.all(this.#underway.values())
    if (this.#broken.length > 0) throw this.#broken[0]
  }

  /** Begins what can be begun now; answers when to look again. */
  async #turn(): Promise<number> {
    const { now, once, next, waker } = this.#loop
    const began = now()
    for (const id of waker === undefined ? await this.#scan(began) : await this.#woken(waker, began)) this.#begin(id)
    this.#failures = 0
    if (once) return began + SCAN_MS
    return Math.min(began + (waker === undefined ? SCAN_MS : POLL_MS), (await next(began)) ?? Number.POSITIVE_INFINITY)
  }

  async #scan(at: number): Promise<readonly string[]> {
    const due = await this.#loop.due(at, Number.POSITIVE_INFINITY)
    return due.map(({ id }) => id)
  }

  /** What the waker gives this worker; beside that what it must have forgotten, and what somebody left lying. */
  async #woken(waker: Waker, at: number): Promise<readonly string[]> {
    const found: Candidate[] = []
    if (at - this.#scannedAt >= SCAN_MS) {
      this.#scannedAt = at
      found.push(...(await this.#loop.due(at + AHEAD_MS, SCAN_ROWS)).filter(({ id, held }) => !held && !this.#underway.has(id)))
      await this.#hint(() => this.#expect(waker, found.filter(({ left }) => !left), at))
    }
    const left = found.filter((each) => each.left && each.at <= at).map(({ id }) => id)
    const free = this.#free() - left.length
    const given = free <= 0 ? [] : ((await this.#hint(() => waker.take(free))) ?? [])
    const late = given.length >= free ? [] : found.filter((each) => each.at <= at - LATE_MS).map(({ id }) => id)
    return [...new Set([...left, ...given, ...late])]
  }

  /** A wake that was made a moment ago is not made again, though its rotation is still due: in a backlog that would be most of the work. */
  async #expect(waker: Waker, due: readonly Due[], at: number): Promise<void> {
    for (const [id, madeAt] of this.#expected) if (at - madeAt >= REMAKE_MS) this.#expected.delete(id)
    const fresh = due.filter(({ id }) => !this.#expected.has(id))
    await waker.expect(fresh)
    for (const { id } of fresh) this.#expected.set(id, at)
  }

  /** What only hints may fail. */
  async #hint<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask()
    } catch (thrown) {
      this.#loop.onTrouble(thrown)
      return undefined
    }
  }

  #free(): number {
    return this.#loop.atOnce - this.#underway.size
  }

  #begin(id: string): void {
    const { carryOn, now, once } = this.#loop
    if (this.#free() <= 0 || this.#underway.has(id) || (this.#notBefore.get(id) ?? 0) > now()) return
    const stopped = carryOn(id)
      .then((again) => this.#notBefore.set(id, once ? Number.POSITIVE_INFINITY : again), (thrown: unknown) => this.#broken.push(thrown))
      .then(() => {
        this.#underway.delete(id)
        this.#wake.abort()
      })
    this.#underway.set(id, stopped)
    // It may want to go on again soon.
    this.#expected.delete(id)
  }

  #afterFailure(thrown: unknown): number {
    const passes = thrown instanceof KeyturnError && (thrown.code === 'STATE_UNREACHABLE' || thrown.code === 'LOCKED')
    if (!passes || this.#loop.once) {
      this.#broken.push(thrown)
      return 0
    }
    this.#failures += 1
    this.#loop.onTrouble(thrown)
    return this.#loop.now() + Math.min(PATIENCE_MS, SCAN_MS * 2 ** (this.#failures - 1))
  }
}
