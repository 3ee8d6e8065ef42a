import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { login } from '../../demo/database.ts'
import { verifyState } from '../../src/proof/audit.ts'
import type { TimedEvent } from '../../src/journal/event.ts'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { foldProgress } from '../../src/journal/progress.ts'
import { readEvents } from '../../src/journal/read.ts'
import { Secret } from '../../src/kit/index.ts'
import { encodings } from '../../src/redact/encodings.ts'
import { Redactor } from '../../src/redact/redact.ts'
import { readLedger } from '../../src/state/ledger.ts'
import { queryAt } from '../servers/postgres.ts'
import { type Cell, isFenced } from './cell.ts'
import { peek, type Played } from './play.ts'
import { dsnIn } from './service.ts'
import { type Ground, SECRET, type Stage } from './stage.ts'

/** A login. */
interface Credential {
  readonly user: string
  readonly password: string
}

/** What must be so after every cell, whatever befell it. */
export async function proveWorld(cell: Cell, stage: Stage, ground: Ground, played: Played): Promise<void> {
  const old = credentialIn(stage.dsn)
  const found = credentialIn(await dsnIn(stage.envFile))
  const user = cell.strategy === 'alternate' ? `${stage.name}_alt` : stage.name
  const fresh = cell.fresh === 'none' ? undefined : { user, password: played.minted ?? found.password }
  const [inUse, ended] = cell.result === 'done' && fresh !== undefined ? [fresh, old] : [old, fresh]
  expect(found, 'the store holds another credential').toEqual(inUse)
  expect(fresh?.password, 'no other value was made').not.toBe(old.password)
  expect(await stage.consumer.dsn(), 'the consumer holds another value than the store').toBe(await dsnIn(stage.envFile))
  await proveStore(stage)
  await proveIssuer(cell, stage, ground, inUse, ended)
  await proveState(cell, stage, inUse)
  await proveSilence(stage, played, [old, ...(fresh === undefined ? [] : [fresh])].map(({ password }) => password))
}

/** Every byte around the value is as it was, and nothing lies beside it. */
async function proveStore(stage: Stage): Promise<void> {
  expect(await readFile(stage.envFile, 'utf8')).toBe(stage.envText(await dsnIn(stage.envFile)))
  expect((await readdir(stage.folder)).sort()).toEqual(['.env', ...(typeof stage.place === 'string' ? ['.keyturn'] : []), 'keyturn.yaml'])
}

/** By fresh logins: one is accepted, the other one rejected, and the issuer has nothing that nobody knows. */
async function proveIssuer(cell: Cell, stage: Stage, ground: Ground, inUse: Credential, ended?: Credential): Promise<void> {
  const roles = await queryAt<{ name: string; login: boolean; bare: boolean }>(ground.adminUrl, `
    select rolname as name, rolcanlogin as login, rolpassword is null as bare from pg_authid
    where starts_with(rolname, $1) order by 1`, [stage.name])
  const pair = cell.fresh === 'minted' && cell.strategy === 'alternate'
  expect(roles.map(({ name }) => name)).toEqual([stage.name, ...(pair ? [`${stage.name}_alt`] : [])])
  expect(roles.filter((role) => role.login && !role.bare).map(({ name }) => name), 'roles that may log in').toEqual([inUse.user])
  expect(await login(dsnOf(stage, inUse)), 'the credential in use').toBe('accepted')
  if (ended === undefined) return
  const answer = await login(dsnOf(stage, ended))
  const off = roles.some((role) => role.name === ended.user && !role.login)
  expect(['28P01', ...(off ? ['28000'] : [])], 'the credential that was ended').toContain(answer)
}

/** One rotation, closed, with a chain that verifies and no invariant broken, and a ledger that says what is so. */
async function proveState(cell: Cell, stage: Stage, inUse: Credential): Promise<void> {
  await peek(stage, async (state, row) => {
    const { events } = await readEvents({ state }, row.id)
    expect(brokenInvariants(events)).toEqual([])
    expect(foundLate(events, cell)).toBe(comesLate(cell))
    expect(foldProgress(events).closed).toMatchObject({ result: cell.result })
    expect(row).toMatchObject({ result: cell.result, owner: null, due_at: null })
    expect(await verifyState(state)).toMatchObject({ rotations: 1, receipts: cell.fresh === 'sealed' || cell.fresh === 'minted' ? 1 : 0, problems: [] })
    expect(await state.db.selectFrom('sealed').select('name').where('name', '!=', 'snapshot').execute()).toEqual(cell.result === 'done' ? [{ name: 'new' }] : [])
    expect(row.holds).toBeNull()
    const ledger = await readLedger(state.db, `matrix/staging/${SECRET}`)
    const known = cell.step.do === 'preflight' && cell.fresh === 'none' ? [] : [[inUse.user, 'presented']]
    const over = cell.fresh === 'refused' ? ['gone', 'staged'] : ['gone']
    expect(ledger.filter((one) => !over.includes(one.state)).map((one) => [one.provider_id, one.state])).toEqual(known)
  })
}

/** Where nothing is fenced, an effect in its time happens though its owner was taken over. */
function comesLate({ fault, step }: Cell): boolean | undefined {
  return fault.is === 'late' && fault.within && fault.point === 'after-intent' ? !isFenced(step) : undefined
}

/** Whether the successor found the effect of the one before (then nobody repeats it), or found that it had not happened. */
function foundLate(events: readonly TimedEvent[], cell: Cell): boolean | undefined {
  if (comesLate(cell) === undefined) return undefined
  const of = events.filter((event) => 'step' in event && event.step === cell.step.id)
  const settled = of.some((event) => event.type === 'step-done' && event.settled === true)
  const absent = of.some((event) => event.type === 'step-absent')
  return settled === absent ? undefined : settled
}

/** No value stands in what was written to the terminal or to disk, but where it belongs. */
async function proveSilence(stage: Stage, played: Played, values: readonly string[]): Promise<void> {
  const redactor = new Redactor()
  for (const value of values) redactor.conceal(new Secret(value))
  expect(redactor.find(played.output + (played.late?.output ?? '')), 'values in the output').toBe(0)
  const { kept } = stage
  const files = (await readdir(kept, { recursive: true })).map((name) => join(kept, name)).filter((file) => existsSync(file))
  const needles = values.flatMap((value) => [...encodings(value)])
  for (const file of files) {
    const content = readIfFile(file)
    expect(needles.filter((needle) => content.includes(needle)).length, `values in ${file}`).toBe(0)
  }
  if (typeof stage.place !== 'string') await proveTables(stage, needles)
}

/** The same of every row of every table. */
async function proveTables(stage: Stage, needles: readonly string[]): Promise<void> {
  await peek(stage, async ({ db, schema = '' }) => {
    const { rows: tables } = await sql<{ name: string }>`select tablename as name from pg_tables where schemaname = ${schema}`.execute(db)
    expect(tables.length).toBeGreaterThan(5)
    for (const { name } of tables) {
      const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.id(schema, name)} t`.execute(db)
      const content = rows.map((row) => row.text).join('\n')
      expect(needles.filter((needle) => content.includes(needle)).length, `values in table ${name}`).toBe(0)
    }
  })
}

function readIfFile(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'EISDIR' || thrown.code === 'ENOENT')) return ''
    throw thrown
  }
}

function credentialIn(dsn: string): Credential {
  const { username, password } = new URL(dsn)
  return { user: username, password }
}

function dsnOf(stage: Stage, { user, password }: Credential): string {
  const url = new URL(stage.dsn)
  url.username = user
  url.password = password
  return url.href
}
