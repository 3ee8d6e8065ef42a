import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type ConfigServer, type ConfigWorld, makeConfigWorld, nodeOf, type Strategy } from '../../../test/servers/nats-config.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { type PretendedNats, startPretendedNats } from './fake.ts'
import { issuerSchema } from './manifest.ts'
import { makeSeed } from './nkey.ts'

const call = () => callWithin(10_000)
const folder = mkdtempSync(join(tmpdir(), 'keyturn-nats-config-'))
const worlds: ConfigWorld[] = []
let nats: PretendedNats
let denied = false

beforeAll(async () => {
  writeFileSync(join(folder, 'users.json'), '{ "users": [] }')
  nats = await startPretendedNats(join(folder, 'users.json'), join(folder, 'pid'))
})
afterEach(async () => {
  denied = false
  for (const world of worlds.splice(0)) await world.close()
})
afterAll(async () => {
  await nats.close()
  rmSync(folder, { recursive: true, force: true })
})

async function make(strategy: Strategy = 'alternate'): Promise<ConfigWorld> {
  const server: ConfigServer = {
    port: nats.port, monitor: nats.monitor, folder, limit: nats.limit,
    signal(_, name) {
      if (denied) throw Object.assign(new Error('not permitted'), { code: 'EPERM' })
      if (name === 'SIGHUP') void nats.reload()
    },
  }
  const world = await makeConfigWorld(server, strategy)
  worlds.push(world)
  return world
}

const ahead = (world: ConfigWorld, more: object = {}) => world.openWith(more).preflight(world.current, world.current.id === 'worker' ? 'worker_alt' : 'next', call())
const write = (text: string): void => writeFileSync(join(folder, 'users.json'), text, { mode: 0o600 })

it('names the right that is missing to tell the server, and writes nothing then', async () => {
  const world = await make()
  const before = world.text()
  denied = true
  for (const answer of [await ahead(world), await world.open().mint({ credential: world.open().propose(world.current), tag: 'kt-1' }, call())]) {
    expect(answer).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('signal to the server of n1') })
  }
  expect(world.text()).toBe(before)
})

it('says how a key becomes one of this secret, and touches none that is not marked', async () => {
  const world = await make('overlap')
  const bare = world.text().replace(' // keyturn:robot', '')
  write(bare)
  expect(await ahead(world)).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING', about: expect.stringContaining('`// keyturn:robot`') })
  expect(await world.open().set(world.current.id, 'off', call())).toMatchObject({ is: 'done', value: { evidence: { written: 0 } } })
  expect(world.text()).toBe(bare)
})

it('says what kind of file it reads', async () => {
  const world = await make()
  write('users: [ { user: worker, password: x } ]')
  expect(await ahead(world)).toMatchObject({ is: 'refused', code: 'STORE_UNFIT', about: expect.stringContaining('in JSON') })
})

it('begins with no idle user that may log in, and takes none that is in use (S0-54)', async () => {
  const world = await make()
  const issuer = world.open()
  const first = issuer.propose(world.current)
  await issuer.mint({ credential: first, tag: 'kt-1' }, call())
  expect(await ahead(world)).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
  const used = await world.use(first)
  expect(await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-2' }, call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_IN_USE' })
  expect(await used.alive()).toBe(true)
})

it('says that the reload brings in what somebody else wrote and did not load', async () => {
  const world = await make()
  utimesSync(join(folder, 'users.json'), new Date(), new Date(Date.now() + 60_000))
  expect(await ahead(world)).toMatchObject({ is: 'done', value: { notices: expect.arrayContaining([expect.stringContaining('was changed after the server read it')]) } })
})

it('does not turn the last user of a pair out, for then nothing says what it may do', async () => {
  const world = await make()
  expect(await world.open().set('worker', 'gone', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
  expect(await world.open().probe(world.current, 'n1', call())).toMatchObject({ value: { verdict: 'accepted' } })
})

it('takes two names of one server for one', async () => {
  const world = await make()
  const { port, monitor } = world.server
  const node = nodeOf({ port, monitor, folder })
  expect(await ahead(world, { nodes: [node, { ...node, name: 'n2' }] })).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('2 nodes are named, which are 1 server') })
})

it('knows a key by its seed, and none by anything else', async () => {
  const issuer = (await make('overlap')).open()
  expect(issuer.idOf({ seed: new Secret(makeSeed()) })).toMatch(/^U[A-Z2-7]{55}$/)
  expect(issuer.idOf({ seed: new Secret('no seed') })).toBeUndefined()
})

it('has the fields that its strategy says, and takes no others', () => {
  const said = { user: 'worker', nodes: [nodeOf({ port: 1, monitor: 'http://127.0.0.1:1', folder })] }
  expect(issuerSchema.parse(said).fields).toEqual({ user: 'plain', password: 'secret' })
  expect(issuerSchema.parse({ ...said, strategy: 'overlap' }).fields).toEqual({ seed: 'secret' })
  expect(issuerSchema.safeParse({ ...said, fields: { token: 'secret' } }).success).toBe(false)
  expect(issuerSchema.safeParse({ ...said, strategy: 'in-place', companion: 'other' }).success).toBe(false)
})
