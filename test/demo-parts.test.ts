import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openConnections } from '../demo/connections.ts'
import { login, randomPassword } from '../demo/database.ts'
import type { Stats } from '../demo/instance.ts'
import { startLoad } from '../demo/load.ts'
import { setScenery, type Scenery } from '../demo/scenery.ts'
import { openTally } from '../demo/tally.ts'
import { until } from '../demo/until.ts'
import { ready } from './servers/postgres.ts'

describe('the load', () => {
  it('goes on asking while nothing is answered, and counts the wait of all that were due meanwhile (open loop)', async () => {
    const target = await serveWithStall()
    const load = startLoad([target.url], 200, 20_000)
    await until('220 requests came', 10_000, () => (target.received() >= 220 ? true : undefined))
    const report = await load.stop()
    target.server.close()

    expect(report).toMatchObject({ failed: 0, underway: 0, requests: target.received() })
    expect(report.longest).toBeGreaterThan(700)
    expect(report.p50).toBeGreaterThan(50)
  })

  it('gives a request up at its time limit and counts it as failed', async () => {
    const target = await serveWithStall()
    const load = startLoad([target.url], 200, 300)
    await until('220 requests came', 10_000, () => (target.received() >= 220 ? true : undefined))
    const report = await load.stop()
    target.server.close()

    // 150 requests take 750 ms, of which those of the first 450 ms wait longer than the 300 ms that they have.
    expect(report.reasons).toEqual({ timeout: report.failed })
    expect(report.failed).toBeGreaterThan(60)
    expect(report.failed).toBeLessThan(151)
    expect(report.p99).toBeGreaterThan(290)
  })

  it('names each failure by status and SQLSTATE, and never tries again', async () => {
    let received = 0
    let refused = 0
    const target = await serve((response) => {
      received += 1
      if (received % 10 !== 0) return response.end('{}')
      refused += 1
      return response.writeHead(500).end('{"sqlstate":"28P01"}')
    })
    const load = startLoad([target.url], 400)
    await until('refused ten', 10_000, () => (refused >= 10 ? true : undefined))
    const report = await load.stop()
    target.server.close()

    expect(report.requests).toBe(received)
    expect(report.failed).toBe(refused)
    expect(report.reasons).toEqual({ '500 28P01': refused })
    expect(report.failedUntil ?? 0).toBeGreaterThan(report.failedFrom ?? Infinity)
  })

  it('counts a server that is not there', async () => {
    const target = await serve((response) => response.end('{}'))
    await new Promise((resolve) => { target.server.close(resolve) })
    const load = startLoad([target.url], 200)
    await until('some failed', 10_000, () => (load.now().failed > 5 ? true : undefined))
    const report = await load.stop()

    expect(report.reasons).toEqual({ ECONNREFUSED: report.requests })
  })

  it('takes its targets in turn', async () => {
    const counts = [0, 0]
    const targets = await Promise.all([0, 1].map((n) => serve((response) => {
      counts[n] = (counts[n] ?? 0) + 1
      response.end('{}')
    })))
    const load = startLoad(targets.map(({ url }) => url), 400)
    await until('100 requests', 10_000, () => (load.now().requests > 100 ? true : undefined))
    const { requests } = await load.stop()
    for (const { server } of targets) server.close()

    expect(counts).toEqual([Math.ceil(requests / 2), Math.floor(requests / 2)])
  })

  it('says by how much it was late itself', () => {
    const tally = openTally(100)
    for (const lag of [0, 3, 51]) tally.started(lag)
    expect(tally.report(1).lag).toEqual({ worst: 51, late: 1 })
  })

  it('finds the percentiles', () => {
    const tally = openTally(100)
    for (let latency = 1; latency <= 100; latency += 1) {
      tally.started(0)
      tally.ended(latency, latency)
    }
    expect(tally.report(100)).toMatchObject({ p50: 50, p99: 99, longest: 100, failed: 0 })
  })
})

describe('the service', () => {
  const name = `parts_${randomBytes(4).toString('hex')}`
  let stage: Scenery

  beforeAll(async () => {
    stage = await setScenery({ adminUrl: await ready(inject('postgresUrl')), name })
  })
  afterAll(() => stage.teardown())

  it('loses no request in graceful reloads while both credentials are valid', async () => {
    const first = await stage.dsn()
    const password = randomPassword()
    await stage.database.admin(`create role ${name}_b login in role ${name} password '${password}'`)
    const second = stage.database.dsn(`${name}_b`, password)
    const load = loadOn(stage)
    for (const dsn of [second, first, second, first, second]) {
      const before = load.now().requests
      await present(stage, dsn)
      await until('100 more requests', 10_000, () => (load.now().requests > before + 100 ? true : undefined))
    }
    await until('the old pool is gone', 10_000, async () => ((await sessionsOf(stage, name)) === 0 ? true : undefined))
    const report = await load.stop()

    expect(report).toMatchObject({ failed: 0, reasons: {} })
    expect(report.requests).toBeGreaterThan(500)
    await present(stage, first)
    await until('back', 10_000, async () => ((await sessionsOf(stage, `${name}_b`)) === 0 ? true : undefined))
  })

  it('ends a pool only when the queries that wait for a connection are through', async () => {
    const connections = openConnections(await stage.dsn(), 'burst')
    const burst = Array.from({ length: 50 }, () => connections.query('select pg_sleep(0.01)'))
    await connections.drain()
    expect(await Promise.all(burst)).toHaveLength(50)
  }, 10_000)

  it('fails with 28P01 when the password changes under it', async () => {
    const load = loadOn(stage)
    await until('some requests', 10_000, () => (load.now().requests > 50 ? true : undefined))
    const password = randomPassword()
    await stage.database.admin(`alter role ${name} password '${password}'`)
    await until('failures', 10_000, () => (load.now().failed > 0 ? true : undefined))
    await present(stage, stage.database.dsn(name, password))
    const report = await load.stop()

    expect(Object.keys(report.reasons)).toEqual(['500 28P01'])
  })

  it('goes on with the connections that it has when the new DSN does not work', async () => {
    const good = await stage.dsn()
    const load = loadOn(stage)
    await present(stage, stage.database.dsn(name, randomPassword()))
    for (const instance of stage.instances) expect((await instance.stats()).reloadFailures).toBe(1)
    const before = load.now().requests
    await until('100 more requests', 10_000, () => (load.now().requests > before + 100 ? true : undefined))
    expect(await load.stop()).toMatchObject({ failed: 0 })
    await present(stage, good)
  })

  it('answers a challenge for the password that it holds', async () => {
    const [instance] = stage.instances
    const nonce = randomBytes(16).toString('hex')
    const asked = await fetch(`${instance?.url}/keyturn/attest`, { method: 'POST', body: JSON.stringify({ nonce }) })
    const key = Buffer.from(hkdfSync('sha256', new URL(await stage.dsn()).password, '', 'keyturn/attest/v1', 32))

    expect(await asked.json()).toEqual({ answer: createHmac('sha256', key).update(nonce).digest('hex') })
  })

  it('is ready as long as a query works', async () => {
    const [instance] = stage.instances
    const asked = await fetch(`${instance?.url}/readyz`)
    expect([asked.status, await asked.json()]).toEqual([200, { postgres: 'ok' }])
  })

  it('leaves neither pid file, process, role nor database behind', async () => {
    const other = `${name}_other`
    const adminUrl = await ready(inject('postgresUrl'))
    const short = await setScenery({ adminUrl, name: other, instances: 1 })
    const pid = short.instances[0]?.pid ?? 0
    const dsn = await short.dsn()
    expect(await login(dsn)).toBe('accepted')
    await short.teardown()

    expect(existsSync(short.folder)).toBe(false)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(await login(dsn)).toBe('28P01')
    expect(await stage.database.admin(`select 1 from pg_database where datname = '${other}'`)).toEqual([])
  })
})

function loadOn(stage: Scenery): ReturnType<typeof startLoad> {
  return startLoad(stage.instances.map(({ url }) => `${url}/work`), 200)
}

/** Publishes and reloads; answers when every instance has taken the value or given up. */
async function present(stage: Scenery, dsn: string): Promise<void> {
  await writeFile(stage.envFile, `APP_DATABASE_URL=${dsn}\n`)
  for (const instance of stage.instances) {
    const tried = (stats: Stats): number => stats.reloads + stats.reloadFailures
    const before = tried(await instance.stats())
    instance.reload()
    await until('reloaded', 10_000, async () => (tried(await instance.stats()) > before ? true : undefined))
  }
}

async function sessionsOf(stage: Scenery, role: string): Promise<number> {
  const rows = await stage.database.admin(`select 1 from pg_stat_activity where usename = '${role}'`)
  return rows.length
}

/** From the 50th request on it answers nothing until 150 more have come: a load that waits for answers never gets there. */
async function serveWithStall(): Promise<{ server: Server; url: string; received: () => number }> {
  const held: ServerResponse[] = []
  let received = 0
  const target = await serve((response) => {
    received += 1
    held.push(response)
    if (received < 50 || received >= 200) for (const each of held.splice(0)) each.end('{}')
  })
  return { ...target, received: () => received }
}

async function serve(answer: (response: ServerResponse) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((_, response) => answer(response))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}
