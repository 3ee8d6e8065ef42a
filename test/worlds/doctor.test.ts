import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { randomPassword } from '../../demo/database.ts'
import { scramVerifier } from '../../src/connectors/postgres/verifier.ts'
import { Secret } from '../../src/kit/index.ts'
import { expectRun, useTheatre } from './theatre.ts'
import type { World } from './world.ts'

const theatre = useTheatre()

interface Findings { readonly problems: number; readonly findings: readonly { readonly area: string; readonly verdict: string; readonly code?: string; readonly says: string }[] }

async function doctorOf(world: World): Promise<[string, string, string | undefined][]> {
  const { findings } = (await world.keyturn(['doctor', '--json'])).json() as Findings
  return findings.filter(({ verdict }) => verdict !== 'ok').map(({ area, verdict, code }) => [area, verdict, code])
}

/** What a person does who has never heard of keyturn: another password for the role in use, and into the env file. */
async function changeByHand(world: World): Promise<void> {
  const dsn = new URL(await world.stage.dsn())
  const password = randomPassword()
  // As a verifier: the log of the server is scanned for the password.
  await world.stage.database.admin(`alter role ${dsn.username} password '${scramVerifier(new Secret(password))}'`)
  const before = dsn.password
  writeFileSync(world.stage.envFile, readFileSync(world.stage.envFile, 'utf8').replace(before, password), { mode: 0o600 })
}

describe('keyturn doctor', () => {
  it('sees a system that is well as it is, before the first rotation and after it, and changes nothing', async () => {
    const world = await theatre.open({ instances: 1 })
    const before = await world.photo()
    expectRun(await world.keyturn(['doctor']), 0,
      /✔ identity .*there is none yet/, /✔ state .*there is none yet/, /✔ store +dotenv .*can be read and written/, new RegExp(`✔ issuer +postgres .*${world.role}: answers, and its admin may do`),
      /✔ issuer +primary: accepts the value in the stores/, /✔ clock .*agrees with ours/, /✔ consumer .*proves that it holds the value in the stores/, /✔ check .*passes/, /0 problems/, /Nothing was changed/)
    expect(await world.photo()).toEqual(before)
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    const after = await world.photo()
    expectRun(await world.keyturn(['doctor', 'database']), 0, /✔ ledger .*knows the value in the stores \(kf:[0-9a-f]{32}\)/, /✔ state .*is there, version \d/)
    expect(await world.photo()).toEqual(after)
  })

  it('finds what keeps a rotation from beginning: rights, a password that is wrong, an open state, an address that nobody answers', async () => {
    const world = await theatre.open()
    const admin = await world.makeAdmin('createrole')
    const poor = await world.keyturn(['doctor'], { env: { PG_ADMIN_URL: admin } })
    expectRun(poor, 3, /✘ issuer .*RIGHTS_MISSING/, /Grant the right that is named/)
    const nobody = new URL(world.server.adminUrl)
    nobody.port = '1'
    expectRun(await world.keyturn(['doctor'], { env: { PG_ADMIN_URL: nobody.href } }), 3, /✘ issuer .*UNREACHABLE/, /✔ store/)
    expectRun(await world.keyturn(['doctor'], { env: { PG_ADMIN_URL: undefined } }), 3, /✘ issuer .*REFERENCE_UNRESOLVED/)

    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    const password = new URL(await world.stage.dsn()).password
    writeFileSync(world.stage.envFile, readFileSync(world.stage.envFile, 'utf8').replace(password, randomPassword()), { mode: 0o600 })
    chmodSync(world.state, 0o750)
    const found = await doctorOf(world)
    expect(found).toContainEqual(['state', 'problem', 'STATE_UNSAFE'])
    expect(found).toContainEqual(['issuer', 'problem', 'CREDENTIAL_REJECTED'])
    chmodSync(world.state, 0o700)
    expect(await doctorOf(world)).toContainEqual(['ledger', 'problem', 'STATE_STALE'])
  })

  it('says of an open rotation what it waits for, and calls the two values no drift', async () => {
    const world = await theatre.open({ pace: { grace: '1h' } })
    expectRun(await world.keyturn(['rotate', 'database']), 4)
    expectRun(await world.keyturn(['doctor']), 0, new RegExp(`✔ rotation +${await world.newest()}: is open and waits for grace`), /not judged while/)
    expectRun(await world.keyturn(['abort', 'database']), 0)
  })
})

describe('keyturn adopt', () => {
  it('takes a password that somebody changed by hand: refused before, rotated after, and the trail says who and why (S0-03)', async () => {
    const world = await theatre.open({ instances: 1 })
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    await changeByHand(world)
    for (const { pid } of world.stage.instances) process.kill(pid, 'SIGHUP')
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 3, /STATE_STALE/, /keyturn adopt/)
    expectRun(await world.keyturn(['doctor']), 3, /✘ ledger .*STATE_STALE/, /`keyturn adopt database`/)

    const before = await world.photo()
    const adopted = await world.keyturn(['adopt', 'database', '--reason', 'incident 4711'])
    expectRun(adopted, 0, /Adopted: \S+ kf:[0-9a-f]{32} is the current value of database \(note \d+\)/, /wrong at primary: rejected:28P01/, / {2}primary: accepted:00000/)
    expect(await world.photo()).toEqual(before)
    expectRun(await world.keyturn(['doctor']), 0, /✔ ledger .*knows the value/)
    expectRun(await world.keyturn(['history']), 0, /secret-adopted .*incident 4711/)
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
    const checkpoint = join(world.run, 'checkpoint.json')
    expectRun(await world.keyturn(['audit', 'export', '--out', checkpoint]), 0)
    expectRun(await world.keyturn(['audit', 'verify', '--checkpoint', checkpoint]), 0, /Verified: 2 rotations, \d+ entries, 2 receipts, 3 notes; 3 anchored/)
  })

  it('refuses a value that the server rejects, and changes nothing', async () => {
    const world = await theatre.open()
    const password = new URL(await world.stage.dsn()).password
    writeFileSync(world.stage.envFile, readFileSync(world.stage.envFile, 'utf8').replace(password, randomPassword()), { mode: 0o600 })
    expectRun(await world.keyturn(['adopt', 'database']), 3, /CREDENTIAL_REJECTED .*primary \(28P01\)/)
    expectRun(await world.keyturn(['history']), 0, /No rotation yet/)
  })

  it('of `rotate --adopt` the journal keeps that it was needed', async () => {
    const world = await theatre.open()
    expectRun(await world.keyturn(['rotate', 'database', '--wait', '--adopt']), 0)
    const [first] = [await world.newest()]
    await changeByHand(world)
    expectRun(await world.keyturn(['rotate', 'database', '--wait', '--adopt']), 0)
    const adopted = async (rotation: string): Promise<boolean> => /took a value that the ledger had never seen/.test((await world.keyturn(['show', rotation])).out)
    expect([await adopted(first), await adopted(await world.newest())]).toEqual([false, true])
    expectRun(await world.keyturn(['audit', 'verify']), 0)
  })
})

describe('keyturn exec', () => {
  it('hands a real client its password under a name of its own, and no other way (S2-32, C-01)', async () => {
    const world = await theatre.open()
    const script = `if (process.argv.join().includes(process.env.PGPASSWORD)) process.exit(9)
      const { Client } = require('pg'); const client = new Client({ connectionString: process.env.APP_DATABASE_URL, password: process.env.PGPASSWORD })
      client.connect().then(() => client.query('select 41 + 1 as answer')).then(({ rows }) => { console.log(rows[0].answer); return client.end() })`
    const ran = await world.keyturn(['exec', '--only', 'database', '--as', 'PGPASSWORD=database.password', '--', process.execPath, '-e', script], { env: { NODE_PATH: join(import.meta.dirname, '../../node_modules') } })
    expectRun(ran, 0, /^42$/m)
    const masked = await world.keyturn(['exec', '--mask', '--', 'sh', '-c', 'echo "$APP_DATABASE_URL"; echo "$APP_DATABASE_URL" >&2'])
    expectRun(masked, 0, /«secret»/)
  })
})
