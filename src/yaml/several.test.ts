import { describe, expect, it } from 'vitest'
import { registry } from '../connectors.gen.ts'
import { parseManifest } from './load.ts'

const secret = (name: string, more: string): string => `  ${name}:
    issuer: { use: random, name: ${name}, format: hex }
    stores: [{ use: file, file: ${name}.key, format: whole, bind: { content: "{value}" } }]
${more}`

const load = (...secrets: string[]) => parseManifest(`version: 1\nsystem: atlas\nsecrets:\n${secrets.join('')}`, 'keyturn.yaml', { registry })

const GROUPS = `    tags: [nightly, nats]
    consumers:
      - pause: 5s
        wave: [{ use: command, run: [restart, worker], services: [worker] }, { use: command, run: [restart, parser], services: [parser], pause: 20s }]
        checks: [{ use: http, url: "http://127.0.0.1:8222/healthz", expect: { status: 200 }, within: 5m }]
      - { use: command, run: [restart, gateway], services: [gateway] }
    checks: [{ use: http, url: "http://127.0.0.1:8222/jsz", expect: { status: 200 } }]
`

describe('what a manifest says of several', () => {
  it('has tags, pauses between restarts, and health between groups, 5 s and 5 min as the runbook has them (S1-38, S1-46, S1-47)', async () => {
    const { nats } = (await load(secret('nats', GROUPS))).secrets
    expect(nats?.tags).toEqual(['nightly', 'nats'])
    expect(nats?.waves.map((wave) => wave.map(({ pause }) => pause))).toEqual([[5_000, 20_000], [undefined]])
    expect(nats?.checks.map(({ config, within, after }) => [config['url'], within, after])).toEqual([['http://127.0.0.1:8222/jsz', 30_000, undefined], ['http://127.0.0.1:8222/healthz', 300_000, 0]])
  })

  it.each([
    ['two that follow each other', [secret('one', '    on: [two]\n'), secret('two', '    on: [expiry, one]\n')], '11:18 `on` goes in a circle: one after two after one; write one of them without it'],
    ['three', [secret('one', '    on: [three]\n'), secret('two', '    on: [one]\n'), secret('three', '    on: [two]\n')], '11:10 `on` goes in a circle: one after three after two after one; write one of them without it'],
    ['a tag that is no text', [secret('one', '    tags: [{}]\n')], '7:12 item 1 is a map'],
    ['a check of a consumer by itself', [secret('one', '    consumers: [{ use: command, run: [x], checks: [] }]\n')], '`checks`'],
  ])('reports %s with its place', async (_, secrets, says) => {
    await expect(load(...secrets)).rejects.toThrow(says)
  })

  it('takes two ways to one end for no circle', async () => {
    const { secrets } = await load(secret('one', ''), secret('two', '    on: [one]\n'), secret('three', '    on: [one, two]\n'))
    expect(secrets['three']?.on).toEqual(['one', 'two'])
  })
})
