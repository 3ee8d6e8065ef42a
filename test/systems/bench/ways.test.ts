import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compare, type Compared, WAYS } from '../../../bench/systems/compare.ts'
import { table } from '../../../bench/systems/table.ts'
import { openWorld } from '../../../bench/systems/world.ts'
import { type Server, startServer } from '../../../demo/server.ts'

const REFUSED = '500 28P01'

let server: Server
let compared: Compared
const world = openWorld()
beforeAll(async () => {
  server = await startServer()
  compared = await compare(server.adminUrl, world, WAYS, { rounds: 1, rate: 60, calm: 1_200 })
})
afterAll(async () => {
  await world.close()
  await server.stop()
})

function row(id: string) {
  const found = compared.rows.find(({ way }) => way === id)
  const [round] = found?.rounds ?? []
  if (found === undefined || round === undefined) throw new Error(`${id} was not played`)
  return { ...found, round }
}

describe('a round of the comparison', () => {
  it('plays every way, and says how busy the machine was', () => {
    expect(compared.rows.map(({ way }) => way)).toEqual(WAYS.map(({ id }) => id))
    expect(compared.server).toMatch(/^PostgreSQL 18\./)
    expect(compared.busy).toBeGreaterThan(0)
    for (const { operations, total } of compared.rows) {
      expect(operations.median).toBeGreaterThan(50)
      expect(total.median).toBeGreaterThan(0)
    }
  })

  it('no login is refused where two credentials are accepted side by side', () => {
    for (const id of ['keyturn-alternate', 'aws-alternating']) expect(row(id)).toMatchObject({ gap: { worst: 0 }, round: { reasons: expect.not.objectContaining({ [REFUSED]: expect.anything() }) } })
  })

  it('a gap is measured where one password takes the place of another', () => {
    // The shortest ones may fall between two looks.
    for (const id of ['keyturn-in-place', 'vault-asked', 'aws-single', 'runbook-hands']) expect(row(id).gap.median, id).toBeGreaterThan(0)
    // Three seconds by hand: longer than every connection lives.
    expect(row('runbook-hands').gap.median).toBeGreaterThan(2_900)
    expect(row('runbook-hands').round.reasons[REFUSED]).toBeGreaterThan(20)
  })

  it('keyturn alone proves the end of the old one, and the server says the same afterwards', () => {
    const proven = compared.rows.filter(({ proof }) => proof !== undefined)
    expect(proven.map(({ way }) => way)).toEqual(['keyturn-alternate', 'keyturn-in-place'])
    expect(proven.map(({ proof }) => proof)).toEqual(['28P01', '28P01'])
    expect(compared.rows.filter(({ old }) => old === 'accepted').map(({ way }) => way)).toEqual(['aws-alternating'])
    expect(new Set(compared.rows.map(({ old }) => old))).toEqual(new Set(['28P01', 'accepted']))
  })

  it('the table has a line for each, and every note that a line points to', () => {
    const lines = table(compared.rows, WAYS)
    for (const { title } of WAYS) expect(lines.filter((line) => line.startsWith(`${title}  `))).toHaveLength(1)
    expect(lines.join('\n')).toContain('https://developer.hashicorp.com/vault/docs/')
  })
})
