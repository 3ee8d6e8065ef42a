import { createUser, fromSeed } from '@nats-io/jwt'
import { expect, it } from 'vitest'
import { makeSeed, publicKeyOf, userKey } from './nkey.ts'

it('makes seeds that the library of NATS reads as user keys, each another one', () => {
  const seeds = Array.from({ length: 20 }, makeSeed)
  expect(new Set(seeds).size).toBe(seeds.length)
  for (const seed of seeds) {
    const pair = fromSeed(Buffer.from(seed))
    expect(seed).toMatch(/^SU[A-Z2-7]{56}$/)
    expect(publicKeyOf(seed)).toBe(pair.getPublicKey())
    expect(pair.getPublicKey()).toMatch(userKey)
  }
})

it('reads the seeds of that library, and nothing else', () => {
  const pair = createUser()
  const seed = Buffer.from(pair.getSeed()).toString()
  expect(publicKeyOf(`${seed}\n`)).toBe(pair.getPublicKey())
  const changed = `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`
  for (const text of ['', 'SU', 'no seed', changed, pair.getPublicKey(), seed.toLowerCase(), `${seed}A`]) expect(publicKeyOf(text)).toBeUndefined()
})
