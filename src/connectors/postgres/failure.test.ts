import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../kit/generate.ts'
import { done, placeLabel, refused, Secret, unknown } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { asAdmin } from './admin.ts'
import { openKeep } from './keep.ts'
import { saidWhere } from './failure.ts'
import { readUrl } from './target.ts'

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

describe('a server that cannot be reached', () => {
  it('is named by host and port, without user, password, database and parameters (I11)', async () => {
    const port = await closedPort()
    const value = generate(ALNUM, 24)
    const admin = await readUrl(new Secret(`postgres://keeper:${value}@127.0.0.1:${port}/stock?options=${value}`))
    const answer = await asAdmin(openKeep(), admin, callWithin(5_000), 'unknown', async () => done('reached'))
    expect(answer).toEqual({ is: 'unknown', code: 'UNREACHABLE', about: `127.0.0.1:${port}`, evidence: { code: 'ECONNREFUSED' } })
  })

  it('is named when it gives no answer in time', async () => {
    const silent = createServer((socket) => { socket.resume() })
    await new Promise<void>((resolve) => { silent.listen(0, '127.0.0.1', resolve) })
    const { port } = silent.address() as AddressInfo
    const admin = await readUrl(new Secret(`postgres://keeper@127.0.0.1:${port}/stock`))
    const answer = await asAdmin(openKeep(), admin, callWithin(200), 'refused', async () => done('reached'))
    expect(answer).toEqual({ is: 'refused', code: 'DEADLINE', about: `127.0.0.1:${port}` })
    await new Promise((resolve) => { silent.close(resolve) })
  })

  it('is named only where the answer is about the connection and says nothing better', () => {
    const place = { host: 'db.example', port: 5432 }
    expect(saidWhere(unknown('UNREACHABLE'), place)).toMatchObject({ about: 'db.example:5432' })
    expect(saidWhere(unknown('UNREACHABLE', 'a standby'), place)).toMatchObject({ about: 'a standby' })
    expect(saidWhere(refused('RIGHTS_MISSING'), place)).toEqual(refused('RIGHTS_MISSING'))
    expect(saidWhere(done(1), place)).toEqual(done(1))
  })
})

it('is a label: an address of IPv6 in brackets, a socket by its folder, other characters as question marks', () => {
  expect([placeLabel('db-1.example', 5432), placeLabel('::1', 80), placeLabel('/run/postgresql', 5432), placeLabel('a b\nc', 1)]).toEqual([
    'db-1.example:5432', '[::1]:80', '/run/postgresql:5432', 'a?b?c:1',
  ])
  expect(placeLabel('x'.repeat(300), 5432)).toMatch(/^x{253}:5432$/)
})
