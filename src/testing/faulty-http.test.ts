import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { type FaultyHttp, startFaultyHttp } from './faulty-http.ts'
import { until } from './until.ts'

interface Provider extends FaultyHttp {
  /** What came in. */
  readonly arrived: readonly string[]
  /** What was asked and what was done, in the order in which it happened. */
  readonly happened: readonly string[]
  ask(method: 'GET' | 'POST', path: string, signal?: AbortSignal): Promise<string>
}

/** Every request takes the provider a while: two that are not kept apart would overlap. */
async function startProvider(): Promise<Provider> {
  const [arrived, happened]: [string[], string[]] = [[], []]
  const front = await startFaultyHttp({
    isEffect({ method, url }) {
      arrived.push(url)
      return method === 'POST'
    },
    async answer({ url }) {
      happened.push(`begin ${url}`)
      for (let turns = 0; turns < 20; turns += 1) await setImmediate()
      happened.push(`end ${url}`)
      return { status: 200, body: happened.filter((each) => each.startsWith('end')).join(' ') }
    },
  })
  onTestFinished(() => front.close())
  return {
    ...front, arrived, happened,
    ask: async (method, path, signal) => (await fetch(`${front.url}${path}`, { method, ...(signal === undefined ? {} : { signal }) })).text(),
  }
}

/** Asks an effect that is slow, and gives up when the server has it. */
async function giveUp(provider: Provider, path: string): Promise<void> {
  const over = new AbortController()
  await provider.inject('slow')
  const asked = provider.ask('POST', path, over.signal)
  await until(() => provider.arrived.includes(path))
  expect(provider.happened).toEqual([])
  over.abort()
  await expect(asked).rejects.toThrow(/abort/)
}

it('what is slow is done when nobody waits for it any more, and before anything that is asked after it', async () => {
  const provider = await startProvider()
  await giveUp(provider, '/late')
  const seen = await Promise.all([provider.ask('GET', '/one'), provider.ask('POST', '/two')])
  for (const each of seen) expect(each).toMatch(/^end \/late /)
  expect(provider.happened.slice(0, 2)).toEqual(['begin /late', 'end /late'])
})

it('a fault meets the next effect, once, and no look', async () => {
  const provider = await startProvider()
  await provider.inject('server-error')
  const statusOf = async (method: string): Promise<number> => (await fetch(`${provider.url}/x`, { method })).status
  expect([await statusOf('GET'), await statusOf('POST'), await statusOf('POST')]).toEqual([200, 503, 200])
})

it('an answer that is lost is lost after it was done', async () => {
  const provider = await startProvider()
  await provider.inject('answer-lost')
  await expect(provider.ask('POST', '/lost')).rejects.toThrow(/fetch failed/)
  expect(provider.happened).toEqual(['begin /lost', 'end /lost'])
})

it('out of reach it refuses connections, until it is there again at the same address', async () => {
  const provider = await startProvider()
  await provider.inject('unreachable')
  await expect(provider.ask('GET', '/x')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await provider.restart()
  await provider.restart()
  expect(await provider.ask('GET', '/x')).toBe('end /x')
})
