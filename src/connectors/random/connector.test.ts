import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { z } from 'zod'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite } from '../../testing/issuer.ts'
import { openIssuer } from './index.ts'
import { makeValue } from './make.ts'
import manifest, { type IssuerConfig, issuerConfig } from './manifest.ts'

function config(given: Omit<z.input<typeof issuerConfig>, 'name'>): IssuerConfig {
  return issuerConfig.parse({ name: 'session-key', ...given })
}

const host = { base: '/srv/atlas' }

for (const format of ['hex', 'base64', 'base64url', 'alnum', 'uuid'] as const) {
  issuerSuite(
    proving({ connector: 'random', as: 'issuer', strategy: 'in-place', on: 'itself' }),
    `random, ${format}`,
    async () => {
      const open = (): ReturnType<typeof openIssuer> => openIssuer(config({ format }), host)
      const current = { id: 'session-key', fields: { value: new Secret('what was there before') } }
      const close = async (): Promise<void> => undefined
      return { open, current, siblings: [], use: async () => ({ alive: async () => true, close }), close }
    },
  )
}

for (const strategy of ['dual-key', 'hard-cut'] as const) {
  issuerSuite(
    proving({ connector: 'random', as: 'issuer', strategy, on: 'itself' }),
    `random, ${strategy}`,
    async () => {
      const open = (): ReturnType<typeof openIssuer> => openIssuer(config({ format: 'base64', strategy }), host)
      const current = { id: 'session-key', fields: { value: new Secret('what was there before') } }
      const close = async (): Promise<void> => undefined
      return { open, current, siblings: [], use: async () => ({ alive: async () => true, close }), close }
    },
  )
}

describe('the value', () => {
  it.each([
    ['hex of 32 bytes is 64 lower-case characters (S0-32)', config({ format: 'hex', bytes: 32 }), /^[0-9a-f]{64}$/],
    ['hex without a number has 32 bytes', config({ format: 'hex' }), /^[0-9a-f]{64}$/],
    ['hex of an exact length', config({ format: 'hex', length: 40 }), /^[0-9a-f]{40}$/],
    ['base64 of 64 bytes is on one line (C-25)', config({ format: 'base64', bytes: 64 }), /^[A-Za-z0-9+/]{86}==$/],
    ['base64 of 300 bytes is on one line (C-25)', config({ format: 'base64', bytes: 300 }), /^[A-Za-z0-9+/]{400}$/],
    ['base64 of an exact length', config({ format: 'base64', length: 44 }), /^[A-Za-z0-9+/]{44}$/],
    ['base64url of 32 bytes has no padding', config({ format: 'base64url', bytes: 32 }), /^[\w-]{43}$/],
    ['base64url of an exact length', config({ format: 'base64url', length: 50 }), /^[\w-]{50}$/],
    ['alnum of an exact length', config({ format: 'alnum', length: 40 }), /^[A-Za-z0-9]{40}$/],
    ['alnum without a length holds 256 bits', config({ format: 'alnum' }), /^[A-Za-z0-9]{43}$/],
    ['uuid is version 4', config({ format: 'uuid' }), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/],
  ] as const)('%s', (_title, wanted, form) => {
    for (let time = 0; time < 50; time += 1) expect(makeValue(wanted)).toMatch(form)
  })

  it('is what chance gives, byte for byte', () => {
    const chance = { bytes: (count: number): Buffer => Buffer.alloc(count, 0xab), draw: (): number => 1 }
    expect(makeValue(config({ format: 'hex', bytes: 16 }), chance)).toBe('ab'.repeat(16))
    expect(makeValue(config({ format: 'base64', bytes: 18 }), chance)).toBe(Buffer.alloc(18, 0xab).toString('base64'))
    expect(makeValue(config({ format: 'uuid' }), chance)).toBe('abababab-abab-4bab-abab-abababababab')
    expect(makeValue(config({ format: 'alnum', length: 22 }), chance)).toBe('B'.repeat(22))
  })
})

describe('the configuration', () => {
  it.each([
    [{ format: 'hex', bytes: 15 }, 'bytes'],
    [{ format: 'hex', length: 30 }, 'length'],
    [{ format: 'hex', length: 41 }, 'length'],
    [{ format: 'base64', length: 45 }, 'length'],
    [{ format: 'base64', length: 20 }, 'length'],
    [{ format: 'base64url', length: 25 }, 'length'],
    [{ format: 'base64url', length: 20 }, 'length'],
    [{ format: 'alnum', length: 21 }, 'length'],
    [{ format: 'alnum', bytes: 32 }, 'bytes'],
    [{ format: 'hex', bytes: 32, length: 64 }, 'length'],
    [{ format: 'uuid', length: 36 }, 'length'],
    [{ format: 'hex', bytes: 0 }, 'bytes'],
    [{ format: 'hex', bytes: 4097 }, 'bytes'],
  ] as const)('refuses %j and names %s', (given, at) => {
    const parsed = issuerConfig.safeParse({ name: 'x', ...given })
    expect(parsed.error?.issues.map(({ path }) => path)).toEqual([[at]])
  })

  it.each([
    ['hex', 32],
    ['base64', 24],
    ['base64url', 22],
    ['alnum', 22],
  ] as const)('takes the least that holds 128 bits: %s of %i characters', (format, length) => {
    expect(makeValue(config({ format, length }))).toHaveLength(length)
  })

  it('wants a name and describes every property', () => {
    expect(issuerConfig.safeParse({ format: 'hex' }).success).toBe(false)
    expect(Object.values(issuerConfig.shape).every((property) => property.description !== undefined)).toBe(true)
    expect(manifest.fields).toEqual(openIssuer(config({ format: 'hex' }), host).traits.fields)
  })
})

describe('the issuer', () => {
  it('never says that a value is accepted or rejected', async () => {
    const issuer = openIssuer(config({ format: 'hex' }), host)
    const credential = issuer.propose({ id: 'session-key', fields: {} })
    expect(issuer.endpoints()).toEqual(['consumers'])
    const probed = await issuer.probe(credential, 'consumers', callWithin(1000))
    expect(probed).toEqual({ is: 'done', value: { verdict: 'inconclusive', code: 'consumers' } })
  })

  it('is one principal by folder and name', () => {
    const key = (base: string, name: string): string => openIssuer({ name, format: 'hex' }, { base }).identity()
    expect(key('/a', 'x')).toBe(key('/a', 'x'))
    expect(new Set([key('/a', 'x'), key('/a', 'y'), key('/b', 'x')]).size).toBe(3)
  })
})
