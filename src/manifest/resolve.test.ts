import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ask, type Answer, describeConnector, done, refused, type Registry, Secret, unknown } from '../kit/index.ts'
import { callWithin } from '../testing/call.ts'
import { resolveReferences } from './resolve.ts'

const value = randomBytes(12).toString('hex')

/** A resolver whose names say what it answers. */
const answers: Readonly<Record<string, Answer<Secret>>> = {
  value: done(new Secret(value)),
  nested: done(new Secret('${safe:value}')),
  absent: refused('REFERENCE_UNRESOLVED', 'it is not there'),
  late: unknown('DEADLINE'),
  asked: ask({ kind: 'prepare', title: 'Unlock the safe', steps: [] }),
}
let opened = 0
const registry: Registry = {
  safe: {
    manifest: describeConnector({ id: 'safe', title: 'Safe', summary: 'S.', links: [], families: { reference: z.string().describe('S.') } }),
    load: async () => ({
      openReference: ({ base }) => {
        opened += 1
        return { title: (name) => (name === 'late' ? 'la...' : name), resolve: async (name) => answers[name] ?? done(new Secret(`${base}/${name}`)) }
      },
    }),
  },
  store: { manifest: describeConnector({ id: 'store', title: 'Store', summary: 'S.', links: [], families: {} }), load: async () => ({}) },
}

const concealed: string[] = []
const resolved = async (text: string): Promise<string> => {
  concealed.length = 0
  const secret = await resolveReferences(text, {
    registry, call: callWithin(1_000), surroundings: { base: '/srv', env: {}, notice: () => undefined }, conceal: (each) => { concealed.push(each.reveal()) },
  })
  return secret.reveal()
}

describe('the references in a text', () => {
  it('are resolved where they stand, each at its own moment; the rest of the text stays (X-14)', async () => {
    expect(await resolved('postgres://${safe:keeper}:${safe:value}@db/${HOME}{x}')).toBe(`postgres:///srv/keeper:${value}@db/\${HOME}{x}`)
  })

  it('bring nothing in that is resolved again', async () => {
    expect(await resolved('a ${safe:nested} b')).toBe('a ${safe:value} b')
  })

  it('are concealed one by one and as a whole, before anything is done with them (I11)', async () => {
    await resolved('Bearer ${safe:value}')
    expect(concealed).toEqual([value, `Bearer ${value}`])
  })

  it('may be none: the text comes back as it is, no code is loaded and nothing is concealed', async () => {
    opened = 0
    expect(await resolved('${HOME} {password}')).toBe('${HOME} {password}')
    expect([opened, concealed]).toEqual([0, []])
  })

  it.each([
    ['${safe:absent}', 'REFERENCE_UNRESOLVED', '${safe:absent}: it is not there'],
    ['${safe:late}', 'DEADLINE', '${safe:la...}'],
    ['${safe:asked}', 'NOT_NOW', '${safe:asked}: Unlock the safe'],
    ['${store:x}', 'REFERENCE_UNRESOLVED', '${store:...}: the scheme is none of safe'],
    ['${toString:x}', 'REFERENCE_UNRESOLVED', '${toString:...}: the scheme is none of safe'],
  ])('%s that does not resolve is named as it may be shown, with its code, and no value with it', async (text, code, about) => {
    await expect(resolved(`\${safe:value} ${text}`)).rejects.toMatchObject({ code, about })
    expect(concealed).toEqual([value])
  })
})
