import { referenceConfig, type ReferenceTraits, startReferenceIssuer, titleOf } from '../../../src/testing/index.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

/** One for each way of minting, and of made values one for each way to find a lost one. */
const PARTS: readonly (readonly [strategy: 'overlap' | 'in-place' | 'provider-managed', traits: ReferenceTraits])[] = [
  ['overlap', { value: 'made', mint: 'adds', locate: 'tag', slots: 2, ends: ['off', 'gone'] }],
  ['overlap', { value: 'made', mint: 'adds', locate: 'baseline', slots: 5, ends: ['gone'] }],
  ['overlap', { value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: ['off', 'gone'] }],
  ['in-place', { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }],
  ['in-place', { value: 'made', mint: 'replaces', locate: 'none', slots: 1, ends: [] }],
  ['provider-managed', { value: 'made', mint: 'triggers', locate: 'tag', slots: 1, ends: [] }],
  ['provider-managed', { value: 'made', mint: 'triggers', locate: 'tag', slots: 2, ends: ['off', 'gone'] }],
]

async function start(traits: ReferenceTraits): Promise<Outside> {
  const server = await startReferenceIssuer(traits)
  const current = server.make()
  const line = await openLine(Number(new URL(server.url).port))
  const { use: _, strategy: __, ...issuer } = referenceConfig({ url: `http://127.0.0.1:${line.port}`, principal: server.principal }, traits, { settle: '1s', recent: '10ms' })
  return { issuer, env: server.env, current, lines: [line], close: () => server.close() }
}

export const webhook: readonly Row[] = PARTS.map(([strategy, traits]) => ({ connector: 'webhook', strategy, kind: titleOf(traits), start: () => start(traits) }))
