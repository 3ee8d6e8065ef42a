import { describe, expect, it } from 'vitest'
import { KeyturnError } from '../kit/error.ts'
import { type Candidate, type Loop, runLoop, SCAN_MS } from './loop.ts'
import type { Waker } from './waker.ts'

/** A world in which time only passes when the loop sleeps, and in which rotations take a while. */
class World {
  now = 1_000_000
  readonly rotations = new Map<string, Candidate>()
  readonly carried: { readonly id: string; readonly at: number }[] = []
  readonly troubles: unknown[] = []
  readonly interrupt = new AbortController()
  most = 0
  /** What carrying on takes, ms. */
  takes = 10
  /** When the rotation may be tried again, from its end on. */
  again = 0
  failing: unknown
  #underway = 0
  readonly #ends: { readonly at: number; readonly end: () => void }[] = []

  add(id: string, at: number, part: Partial<Candidate> = {}): void {
    this.rotations.set(id, { id, at, held: false, left: false, ...part })
  }

  async run(part: Partial<Loop> = {}, until = this.now + 60_000): Promise<void> {
    await runLoop({
      due: (by, atMost) => {
        if (this.failing !== undefined) return Promise.reject(this.failing)
        return Promise.resolve([...this.rotations.values()].filter((each) => each.at <= by).toSorted((a, b) => a.at - b.at).slice(0, atMost))
      },
      next: (after) => Promise.resolve([...this.rotations.values()].map((each) => each.at).filter((at) => at > after).toSorted((a, b) => a - b)[0]),
      carryOn: (id) => this.#carryOn(id),
      once: false,
      atOnce: 32,
      now: () => this.now,
      sleep: (ms, signal) => this.#sleep(ms, signal, until),
      interrupt: this.interrupt.signal,
      onTrouble: (error) => this.troubles.push(error),
      ...part,
    })
  }

  async #carryOn(id: string): Promise<number> {
    this.carried.push({ id, at: this.now })
    this.rotations.delete(id)
    this.#underway += 1
    this.most = Math.max(this.most, this.#underway)
    await new Promise<void>((end) => this.#ends.push({ at: this.now + this.takes, end }))
    this.#underway -= 1
    return this.now + this.again
  }

  async #sleep(ms: number, signal: AbortSignal, until: number): Promise<void> {
    const end = this.now + ms
    while (this.now < end && !signal.aborted) {
      this.now = Math.min(end, ...this.#ends.map((each) => each.at))
      for (const each of this.#ends.splice(0)) if (each.at <= this.now) each.end(); else this.#ends.push(each)
      await new Promise<void>((resolve) => { setImmediate(resolve) })
      if (this.now >= until) this.interrupt.abort()
    }
    // Nothing to wait for: whoever asks over and over again must not keep the test from ending.
    if (ms === 0) this.now += 1
    if (this.interrupt.signal.aborted) for (const each of this.#ends.splice(0)) each.end()
  }

  ids(): string[] {
    return this.carried.map(({ id }) => id)
  }
}

/** What pg-boss does, without pg-boss. */
class Wakes implements Waker {
  readonly queued = new Map<string, number>()
  failing = false
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  expect(due: readonly { readonly id: string; readonly at: number }[]): Promise<void> {
    if (this.failing) return Promise.reject(new Error('no pg-boss'))
    for (const { id, at } of due) if (!this.queued.has(id)) this.queued.set(id, at)
    return Promise.resolve()
  }

  take(count: number): Promise<readonly string[]> {
    if (this.failing) return Promise.reject(new Error('no pg-boss'))
    const ready = [...this.queued].filter(([, at]) => at <= this.#world.now).slice(0, count).map(([id]) => id)
    for (const id of ready) this.queued.delete(id)
    return Promise.resolve(ready)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

describe('a worker by itself', () => {
  it('carries on each rotation at its time', async () => {
    const world = new World()
    const begin = world.now
    world.add('late', begin - 5)
    world.add('soon', begin + 250)
    world.add('far', begin + 5_300)
    await world.run()
    expect(world.carried).toEqual([{ id: 'late', at: begin }, { id: 'soon', at: begin + 250 }, { id: 'far', at: begin + 5_300 }])
  })

  it('carries on so many at the same time and no more, and each as soon as there is room', async () => {
    const world = new World()
    for (let number = 0; number < 9; number += 1) world.add(`r${number}`, world.now)
    const begin = world.now
    await world.run({ atOnce: 3 })
    expect(world.most).toBe(3)
    expect(world.ids()).toHaveLength(9)
    expect((world.carried.at(-1)?.at ?? 0) - begin).toBeLessThan(5 * world.takes)
  })

  it('with `once` ends when all that is due has stopped, and does none of it twice', async () => {
    const world = new World()
    world.add('due', world.now)
    world.add('later', world.now + 100)
    await world.run({ once: true, carryOn: (id) => { world.carried.push({ id, at: world.now }); return Promise.resolve(world.now) } })
    expect(world.ids()).toEqual(['due'])
  })

  it('ends what is under way before it throws what broke one', async () => {
    const world = new World()
    world.add('good', world.now)
    world.add('broken', world.now)
    const run = world.run({ carryOn: (id) => (id === 'broken' ? Promise.reject(new TypeError('x')) : Promise.resolve().then(() => { world.carried.push({ id, at: world.now }); return world.now + 9_999 })) })
    await expect(run).rejects.toThrow(TypeError)
    expect(world.ids()).toEqual(['good'])
  })

  it('waits for a state that does not answer, longer and longer, and goes on when it is back', async () => {
    const world = new World()
    const begin = world.now
    world.add('due', begin)
    world.failing = new KeyturnError('STATE_UNREACHABLE')
    await world.run({ onTrouble: (error) => { world.troubles.push(error); if (world.now - begin >= 7_000) world.failing = undefined } })
    expect(world.troubles).toHaveLength(4)
    expect(world.carried).toEqual([{ id: 'due', at: begin + SCAN_MS * 15 }])
  })

  it('with `once` does not wait for it', async () => {
    const world = new World()
    world.failing = new KeyturnError('STATE_UNREACHABLE')
    await expect(world.run({ once: true })).rejects.toMatchObject({ code: 'STATE_UNREACHABLE' })
  })
})

describe('a worker with a waker', () => {
  it('is woken for each at its time, and for nothing that a live process holds', async () => {
    const world = new World()
    const begin = world.now
    world.add('due', begin - 10)
    world.add('soon', begin + 1_250)
    world.add('far', begin + 20_000)
    world.add('theirs', begin - 10, { held: true })
    await world.run({ waker: new Wakes(world) }, begin + 30_000)
    expect(world.carried).toEqual([{ id: 'due', at: begin }, { id: 'soon', at: begin + 1_250 }, { id: 'far', at: begin + 20_000 }])
  })

  it('shares the work with another one: each rotation is carried on once', async () => {
    const world = new World()
    for (let number = 0; number < 40; number += 1) world.add(`r${number}`, world.now)
    const wakes = new Wakes(world)
    await Promise.all([world.run({ waker: wakes, atOnce: 1 }), world.run({ waker: wakes, atOnce: 1 })])
    expect(world.ids().toSorted()).toEqual(Array.from({ length: 40 }, (_, number) => `r${number}`).toSorted())
  })

  it('goes on at once with what a process left that is gone', async () => {
    const world = new World()
    const begin = world.now
    world.add('left', 0, { left: true })
    const wakes = new Wakes(world)
    await world.run({ waker: wakes })
    expect(world.carried).toEqual([{ id: 'left', at: begin }])
    expect(wakes.queued.size).toBe(0)
  })

  it('loses only time by a wake that got lost: a later scan makes another one', async () => {
    const world = new World()
    const begin = world.now
    world.add('due', begin + 100)
    const wakes = new Wakes(world)
    let lost = false
    const losing: Waker = {
      expect: (due) => wakes.expect(due),
      take: async (count) => {
        const given = await wakes.take(count)
        if (lost || given.length === 0) return given
        lost = true
        return []
      },
      close: () => wakes.close(),
    }
    await world.run({ waker: losing })
    expect(world.ids()).toEqual(['due'])
    expect((world.carried[0]?.at ?? 0) - begin).toBeLessThanOrEqual(3 * SCAN_MS)
  })

  it('does not have the wakes of a backlog made again at every scan', async () => {
    const world = new World()
    for (let number = 0; number < 30; number += 1) world.add(`r${number}`, world.now)
    const wakes = new Wakes(world)
    let made = 0
    const counting: Waker = { expect: (due) => { made += due.length; return wakes.expect(due) }, take: (count) => wakes.take(count), close: () => wakes.close() }
    world.takes = 100
    await world.run({ waker: counting, atOnce: 1 })
    expect(world.ids()).toHaveLength(30)
    expect(made).toBeLessThan(60)
  })

  it('goes on without it when it fails, some seconds later, and says so', async () => {
    const world = new World()
    const begin = world.now
    for (const [id, at] of [['due', 0], ['soon', 2_000]] as const) world.add(id, begin + at)
    const wakes = new Wakes(world)
    wakes.failing = true
    await world.run({ waker: wakes })
    expect(world.ids()).toEqual(['due', 'soon'])
    expect((world.carried[0]?.at ?? 0) - begin).toBeLessThanOrEqual(5_000)
    expect(world.troubles.length).toBeGreaterThan(0)
  })
})
