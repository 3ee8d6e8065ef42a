import { describe, expect, it } from 'vitest'
import { WAYS } from '../bench/systems/compare.ts'
import type { Round } from '../bench/systems/round.ts'
import { rowOf, table } from '../bench/systems/table.ts'
import type { Way } from '../bench/systems/way.ts'

// Its rounds need Vault and moto: test/systems/bench.

const way: Way = { id: 'one', title: 'One way', notes: ['shared', 'its own'], back: 'none', receipt: 'none', open: () => Promise.reject(new Error('not played')) }
const round: Round = { operations: 400, failed: 3, unanswered: 0, reasons: { '500 28P01': 3 }, gap: 120, total: 2_000, proof: '28P01', old: '28P01', lag: 4 }

describe('the table of bench:systems', () => {
  it('shows the middle and the worst of the rounds', () => {
    const row = rowOf(way, [round, { ...round, failed: 0, gap: 100 }, { ...round, failed: 50, gap: 900, total: 9_000 }])
    expect(row).toMatchObject({ failed: { median: 3, worst: 50 }, gap: { median: 120, worst: 900 }, total: { median: 2_000, worst: 9_000 }, proof: '28P01', old: '28P01' })
    expect(table([row], [way])[1]).toMatch(/^One way +3 \(50\) of 400 +0 \(0\) +120 \(900\) +2\.0 \(9\.0\) +yes: 28P01 +refused: 28P01 /)
  })

  it('does not call proven what the tool looked at in some rounds only', () => {
    const { proof: _, ...unseen } = round
    const row = rowOf(way, [round, unseen])
    expect(row.proof).toBeUndefined()
    expect(table([row], [way])[1]).toMatch(/ no +refused: 28P01 /)
  })

  it('says when the old one is accepted, in one round of several too', () => {
    expect(table([rowOf(way, [{ ...round, old: 'accepted' }])], [way])[1]).toContain(' ACCEPTED ')
    expect(rowOf(way, [round, { ...round, old: 'accepted' }]).old).toBe('28P01, accepted')
  })

  it('says a note once, under the number that the lines point to', () => {
    const other = { ...way, id: 'two', title: 'Another', notes: ['shared', 'another'] }
    const lines = table([rowOf(way, [round]), rowOf(other, [round])], [way, other])
    expect(lines.slice(1, 3).map((line) => /(\d \d)$/.exec(line)?.[1])).toEqual(['1 2', '1 3'])
    expect(lines.slice(-3)).toEqual(['1  shared', '2  its own', '3  another'])
  })

  it('is Markdown on request', () => {
    const lines = table([rowOf(way, [round])], [way], 'markdown')
    expect(lines[1]).toBe(`|${' - |'.repeat(10)}`)
    expect(lines[2]).toBe('| One way | 3 (3) of 400 | 0 (0) | 120 (120) | 2.0 (2.0) | yes: 28P01 | refused: 28P01 | none | none | 1 2 |')
    expect(lines.slice(-2)).toEqual(['1. shared', '2. its own'])
  })

  it('has no two ways of one name, and an address of the documentation for each way of others', () => {
    expect(new Set(WAYS.map(({ id }) => id)).size).toBe(WAYS.length)
    for (const { id, notes } of WAYS.filter((one) => /^(vault|aws)/.test(one.id))) expect(notes.join(' '), id).toMatch(/https:\/\/(developer\.hashicorp|docs\.aws\.amazon)\.com\//)
  })
})
