import { readFileSync } from 'node:fs'
import { createPublicKey, verify } from 'node:crypto'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startLoad } from '../../demo/load.ts'
import { until } from '../../demo/until.ts'
import { canonicalJson, type SignedReceipt } from '../../src/proof/receipt.ts'
import { expectRun, useTheatre } from './theatre.ts'
import type { World } from './world.ts'

const theatre = useTheatre()

interface Shown { readonly plan: { readonly steps: { readonly id: string; readonly phase: string }[] }; readonly events: { readonly type: string; readonly at: number; readonly step?: string }[] }

function receiptOf(world: World, rotation: string): SignedReceipt {
  return JSON.parse(readFileSync(join(world.state, 'receipts', `${rotation}.json`), 'utf8')) as SignedReceipt
}

it('alternate: three rotations under load, no request fails, each old password is dead, the third is on the role of the first (S0-01, S2-19, S2-29, S0-13)', async () => {
  const world = await theatre.open({ instances: 2 })
  const { stage, role } = world
  const dsns = [await stage.dsn()]
  const load = startLoad(stage.instances.map(({ url }) => `${url}/work`), 60, 5_000)
  for (const user of [`${role}_alt`, role, `${role}_alt`]) {
    const before = readFileSync(stage.envFile, 'utf8')
    const ran = await world.keyturn(['rotate', 'database', '--wait', '--reason', 'quarterly'])
    expectRun(ran, 0, /✔ look: rights, room/, /✔ make \w+ accepted/, /✔ write \w+ to dotenv/, /every instance proves/, /gate: everything/, /rejected 28/, /Done: database-/)
    const dsn = await stage.dsn()
    // Only user and password of the DSN are others: host, port, database and every other byte stay (S0-09, S2-20).
    expect(new URL(dsn).username).toBe(user)
    const bare = new URL(dsn)
    const former = new URL(dsns.at(-1) ?? '')
    expect(readFileSync(stage.envFile, 'utf8')).toBe(before.replace(former.href, dsn))
    for (const part of ['username', 'password'] as const) bare[part] = former[part]
    expect(bare.href).toBe(former.href)
    expect(await Promise.all(dsns.map((each) => world.login(each)))).toEqual(dsns.map(() => '28P01'))
    expect(await world.login(dsn)).toBe('accepted')
    // A consumer counts as moved only when it holds the value: every instance answered the challenge (S0-01).
    const { receipt } = receiptOf(world, await world.newest())
    expect(receipt.attested).toEqual({ 'process atlas': { 'atlas-1': 'challenge', 'atlas-2': 'challenge' } })
    expect(receipt).toMatchObject({ result: 'done', gapMs: 0, reason: 'quarterly', proof: { new: 'accepted', old: 'rejected', 'old at primary': 'rejected 28P01' } })
    dsns.push(dsn)
  }
  const enough = load.now().requests + 30
  await until('some more requests', 20_000, () => (load.now().requests > enough ? true : undefined))
  expect(await load.stop()).toMatchObject({ failed: 0, reasons: {} })
  for (const { url } of stage.instances) expect(await (await fetch(`${url}/stats`)).json()).toMatchObject({ reloads: 3, reloadFailures: 0 })
  expectRun(await world.keyturn(['audit', 'verify']), 0, /3 rotations/, /3 receipts/)
})

it('every phase is recorded with its times, in the journal and in the receipt, which verifies by node:crypto alone (X-01, X-07)', async () => {
  const world = await theatre.open()
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
  const rotation = await world.newest()
  const shown = (await world.keyturn(['show', rotation, '--events', '--json'])).json() as Shown
  const done = shown.events.filter((event) => event.type === 'step-done')
  const phases = shown.plan.steps.map((step) => step.phase)
  expect(done.map((event) => event.step)).toEqual(shown.plan.steps.map((step) => step.id))
  expect([...new Set(phases)]).toEqual(['preflight', 'accept', 'present', 'forget', 'close'])
  expect(shown.events.every((event, index) => event.at >= (shown.events[index - 1]?.at ?? 0))).toBe(true)
  for (const effect of ['mint', 'publish:0', 'off', 'gone']) {
    expect(shown.events.filter((event) => event.step === effect).map((event) => event.type)).toEqual(['intent-recorded', 'step-done'])
  }

  const signed = receiptOf(world, rotation)
  const good = (of: SignedReceipt): boolean =>
    verify(null, Buffer.from(canonicalJson(of.receipt)), createPublicKey(of.publicKey), Buffer.from(of.signature, 'base64'))
  expect(good(signed)).toBe(true)
  expect(good({ ...signed, receipt: { ...signed.receipt, by: 'somebody else' } })).toBe(false)
  const ids = new Set(signed.receipt.steps.map((step) => step.step))
  expect(shown.plan.steps.map((step) => step.id).filter((id) => !ids.has(id))).toEqual(['receipt'])
  expect(signed.receipt.steps.every((step) => Number.isFinite(Date.parse(step.at)))).toBe(true)
})

it('in place: one role, its gap estimated in the plan and measured in the receipt, the old password dead (S0-07, S0-12, C-08)', async () => {
  const world = await theatre.open({ instances: 1, manifest: (secret) => { secret.issuer['strategy'] = 'in-place' } })
  const old = await world.stage.dsn()
  expectRun(await world.keyturn(['plan', 'database']), 0, /gap +about .* in which new logins fail/, /in-place/, /no return +never: the old value can be applied again/)
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
  const dsn = await world.stage.dsn()
  expect(new URL(dsn).username).toBe(world.role)
  expect([await world.login(old), await world.login(dsn)]).toEqual(['28P01', 'accepted'])
  const { receipt } = receiptOf(world, await world.newest())
  expect(receipt.gapMs).toBeGreaterThan(0)
  expect(receipt.gapMs).toBeLessThan(Date.parse(receipt.closed) - Date.parse(receipt.opened))
  expect(await world.stage.database.admin(`select rolname from pg_roles where starts_with(rolname, '${world.role}')`)).toHaveLength(1)
  // The server got a verifier (S0-07); that the clear password is not in its log is the scan's to see.
  expect(await world.server.log()).toContain(`ALTER ROLE "${world.role}" WITH PASSWORD 'SCRAM-SHA-256$`)
})

it('in place: a consumer that does not take the new value is not waited for: the old value is applied again by itself (exit 5, C-08)', async () => {
  const world = await theatre.open({
    manifest: (secret, { run }) => {
      const broken = join(run, 'broken')
      secret.checks?.push({ use: 'command', run: ['test', '!', '-e', broken], within: '300ms' })
      // The first reload breaks the service, the one on the way back mends it.
      secret.consumers = [{ wave: [{ use: 'command', run: ['sh', '-c', `rm ${broken} || touch ${broken}`], services: ['api'] }] }]
      secret.issuer['strategy'] = 'in-place'
    },
  })
  const old = await world.stage.dsn()
  const before = await world.photo()
  const ran = await world.keyturn(['rotate', 'database', '--wait'])
  expectRun(ran, 5, /going back: a check failed/, /Rolled back: .*the old credential is in use/)
  expect(await world.stage.dsn()).toBe(old)
  expect(await world.login(old)).toBe('accepted')
  const after = await world.photo()
  expect({ store: after.store, beside: after.beside, open: after.open }).toEqual({ store: before.store, beside: before.beside, open: [] })
})
