import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { pretend, type PretendCheck, pretendManifest, pretendRegistry, pretendSecret, pretendStore } from '../../test/fixture/pretend.ts'
import { begin, START, write, type World } from '../../test/fixture/simulator.ts'
import { specimenPlan } from '../../test/fixture/specimen.ts'
import { BACKENDS, freshState, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { done, KeyturnError, Secret } from '../kit/index.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import type { CheckSpec, Manifest, SecretSpec } from '../manifest/model.ts'
import { createIdentity } from '../sealing/identity.ts'
import { append } from '../state/journal.ts'
import { openState, type State, stateExists, STATE_FILE } from '../state/open.ts'
import { continueState, pauseState } from '../state/pause.ts'
import { STATE_VERSION } from '../state/schema.ts'
import { examine, type Examination } from './examine.ts'
import { whereFilesLie } from './filesystem.ts'
import type { Finding } from './finding.ts'

const password = generate(ALNUM, 24)

async function look(root: string, part: Partial<Examination> = {}, manifest: Partial<Manifest> = {}, secrets: Readonly<Record<string, SecretSpec>> = { database: pretendSecret(password) }): Promise<Finding[]> {
  const host = (base: string) => ({ base, now: Date.now, resolve: () => Promise.reject(new Error('no reference')), conceal: () => undefined })
  const found = await examine({
    planner: { registry: pretendRegistry, now: Date.now, sleep: async () => undefined, host },
    manifest: pretendManifest(root, secrets, manifest), place: async () => join(root, 'state'), identityFile: join(root, 'identity'),
    version: '0.0.0', node: '24.0.0', interrupt: new AbortController().signal, ...part,
  })
  expect(JSON.stringify(found)).not.toContain(password)
  return found
}

const of = (found: readonly Finding[], ...areas: readonly Finding['area'][]) => found.filter(({ area }) => areas.includes(area)).map(({ verdict, code }) => [verdict, code])
const inState = (folder: string, sql: string): void => {
  const database = new DatabaseSync(join(folder, STATE_FILE))
  database.exec(sql)
  database.close()
}

/** A state that nobody has open, with its identity beside it. */
async function closedState(): Promise<{ readonly root: string; readonly folder: string; readonly identity: string }> {
  const root = tempFolder()
  const state = await freshState(root)
  await state.close()
  return { root, folder: state.folder, identity: state.identityFile }
}

describe('before the first rotation', () => {
  it('all may be well, and nothing is made by looking', async () => {
    const root = tempFolder()
    const found = await look(root)
    expect(found.filter(({ verdict }) => verdict !== 'ok')).toEqual([])
    expect(found.slice(0, 3).map(({ area }) => area)).toEqual(['version', 'identity', 'state'])
    expect(readdirSync(root)).toEqual([])
  })
})

describe('the identity', () => {
  it('is there and apart, in a state of its own', async () => {
    expect(of(await look((await closedState()).root), 'identity', 'state')).toEqual([['ok', undefined], ['ok', undefined]])
  })

  it.each<[string, (at: { root: string; folder: string; identity: string }) => string | Promise<string>, string]>([
    ['is missing', ({ identity }) => { rmSync(identity); return identity }, 'IDENTITY_MISSING'],
    ['can be read by others', ({ identity }) => { chmodSync(identity, 0o640); return identity }, 'IDENTITY_UNSAFE'],
    ['lies inside the state folder', ({ identity, folder }) => { renameSync(identity, join(folder, 'identity')); return join(folder, 'identity') }, 'IDENTITY_UNSAFE'],
    ['is none', ({ identity }) => { writeFileSync(identity, 'something else\n'); return identity }, 'IDENTITY_WRONG'],
    ['is another one', async ({ root }) => { await createIdentity(join(root, 'other')); return join(root, 'other') }, 'IDENTITY_WRONG'],
    ['lies in a git work tree that does not ignore it', ({ root, identity }) => { execFileSync('git', ['init', '--quiet', root]); return identity }, 'IDENTITY_UNSAFE'],
    ['lies in a git work tree that ignores it', ({ root, identity }) => { execFileSync('git', ['init', '--quiet', root]); writeFileSync(join(root, '.gitignore'), 'identity\n'); return identity }, 'IDENTITY_UNSAFE'],
  ])('%s', async (_, arrange, code) => {
    const at = await closedState()
    const identityFile = await arrange(at)
    expect(of(await look(at.root, { identityFile }), 'identity')).toContainEqual(['problem', code])
  })

  it('lies in a folder that others may write', async () => {
    const { root, identity } = await closedState()
    const folder = join(root, 'open')
    mkdirSync(folder)
    renameSync(identity, join(folder, 'identity'))
    chmodSync(folder, 0o777)
    expect(of(await look(root, { identityFile: join(folder, 'identity') }), 'identity')).toEqual([['warning', 'IDENTITY_UNSAFE'], ['ok', undefined]])
    // In one like /tmp only its owner can replace it.
    chmodSync(folder, 0o1777)
    expect(of(await look(root, { identityFile: join(folder, 'identity') }), 'identity')).toEqual([['ok', undefined]])
  })
})

describe('the state', () => {
  const disk = (type: number, free = 1e9) => ({ askFileSystem: () => Promise.resolve({ type, bavail: free / 4096, bsize: 4096 }) })

  it.each<[string, (folder: string) => void, Partial<Examination>, [string, string]]>([
    ['was open to others', (folder) => { chmodSync(folder, 0o755) }, {}, ['problem', 'STATE_UNSAFE']],
    ['has a file that is', (folder) => { chmodSync(join(folder, STATE_FILE), 0o644) }, {}, ['warning', 'STATE_UNSAFE']],
    ['was written by a newer keyturn', (folder) => { inState(folder, `pragma user_version = ${STATE_VERSION + 1}`) }, {}, ['problem', 'STATE_NEWER']],
    ['is no database', (folder) => { writeFileSync(join(folder, STATE_FILE), 'something else, and long enough to be read as a header of sqlite') }, {}, ['problem', 'INTERNAL']],
    ['lies on NFS', () => undefined, disk(0x6969), ['problem', 'STATE_REMOTE']],
    ['lies on FUSE', () => undefined, disk(0x65735546), ['warning', 'STATE_REMOTE']],
    ['lies on a disk that is nearly full', () => undefined, disk(0xef53, 1e6), ['warning', 'STATE_FULL']],
    ['is tracked by git', (folder) => {
      const git = (...args: string[]) => execFileSync('git', ['-C', join(folder, '..'), ...args])
      git('init', '--quiet')
      git('add', '--force', join(folder, STATE_FILE))
    }, {}, ['problem', 'STATE_UNSAFE']],
    ['has lost its .gitignore', (folder) => { execFileSync('git', ['init', '--quiet', join(folder, '..')]); rmSync(join(folder, '.gitignore')) }, {}, ['warning', 'STATE_UNSAFE']],
  ])('%s', async (_, arrange, part, expected) => {
    const { root, folder } = await closedState()
    arrange(folder)
    expect(of(await look(root, part), 'state')).toContainEqual(expected)
  })

  it('whose place does not resolve is told, and the rest is looked at', async () => {
    const found = await look((await closedState()).root, { place: () => Promise.reject(new KeyturnError('REFERENCE_UNRESOLVED', '${env:STATE}')) })
    expect(of(found, 'state')).toEqual([['problem', 'REFERENCE_UNRESOLVED']])
    expect(of(found, 'identity', 'store')).toEqual([['ok', undefined], ['ok', undefined]])
  })

  it('of an older keyturn is not brought forward by looking', async () => {
    const { root, folder } = await closedState()
    inState(folder, `pragma user_version = ${STATE_VERSION - 1}`)
    const before = readFileSync(join(folder, STATE_FILE))
    const found = await look(root)
    expect(found.find(({ area, code }) => area === 'state' && code === 'NOTICE')?.says).toMatch(new RegExp(`version is ${STATE_VERSION - 1}`))
    expect(readFileSync(join(folder, STATE_FILE)).equals(before)).toBe(true)
  })

  it('whose tables are damaged is told, and the rest is looked at', async () => {
    const { root, folder } = await closedState()
    inState(folder, 'drop table credential')
    const found = await look(root)
    expect(of(found, 'state')).toEqual([['ok', undefined], ['problem', 'INTERNAL']])
    expect(of(found, 'store')).toEqual([['ok', undefined]])
  })

  it('in a database is looked at there, and nothing is made in it (X-12)', async () => {
    const root = tempFolder()
    const [, postgres] = BACKENDS
    const place = await postgres.place(root)
    const inDatabase = { place: async () => place }
    expect(of(await look(root, inDatabase), 'state')).toEqual([['ok', undefined]])
    expect(await stateExists(place)).toBe(false)
    const state = await openState(place, join(root, 'identity'), true)
    await pauseState(state, { by: 'somebody', reason: 'a release', at: Date.now() })
    await state.close()
    const found = await look(root, inDatabase)
    expect(of(found, 'identity', 'state', 'rotation')).toEqual([['ok', undefined], ['ok', undefined], ['problem', 'PAUSED']])
    expect(found.find(({ area }) => area === 'state')).toMatchObject({ subject: expect.stringMatching(/^postgres:\/\/127\.0\.0\.1:\d+\//), says: `is there, version ${STATE_VERSION}` })
    if (typeof place === 'string') throw new Error('a database has a URL')
    expect(JSON.stringify(found)).not.toContain(new URL(place.url.reveal()).password)
    const gone = new Secret('postgres://nobody:nothing@127.0.0.1:1/none')
    expect(of(await look(root, { place: async () => ({ ...place, url: gone }) }), 'state')).toEqual([['problem', 'STATE_UNREACHABLE']])
  })

  it('is on a local disk for every number that is not of a remote one, whatever sign a 32-bit kernel gives it', () => {
    expect([0xef53, 0x01021994, 0x9123683e, 0x58465342, 0x2fc12fc1, 0x794c7630].map((type) => whereFilesLie(type).is)).toEqual(Array.from({ length: 6 }, () => 'local'))
    expect([0xff534d42, 0xff534d42 | 0, 0x517b, 0x01021997].map(whereFilesLie)).toEqual([{ is: 'remote', name: 'CIFS' }, { is: 'remote', name: 'CIFS' }, { is: 'remote', name: 'SMB' }, { is: 'remote', name: '9p' }])
  })
})

/** Puts a journal into the state, as rotation `one` of the secret `database`. */
async function journalOf(state: State, { events }: World, dueAt: number | null = Date.now()): Promise<void> {
  const entries = events.map(({ type, at, ...body }) => ({ type, at, body }))
  const [opened, ...rest] = entries
  if (opened === undefined) throw new Error('a journal has a first entry')
  await openOne(state, 'one', { opened })
  const claim = await take(state, 'one')
  await append(state, claim, rest, { dueAt })
  await state.db.updateTable('rotation').set({ owner: null, lease_until: 0 }).where('id', '=', 'one').execute()
}

describe('an open rotation', () => {
  const world = begin(specimenPlan())
  const paused = write(world, { type: 'rotation-paused', step: 'mint', code: 'RIGHTS_MISSING', about: 'CREATEROLE' })
  const asked = write(write(world, { type: 'step-asked', step: 'mint', attempt: 1, task: { kind: 'mint', title: 'Mint it', steps: [] } }), { type: 'rotation-paused', step: 'mint', code: 'NOT_NOW', about: 'Mint it' })

  it.each<[string, World, number | null, [string, string | undefined]]>([
    ['that goes on by itself is well', world, Date.now() + 60_000, ['ok', undefined]],
    ['that is paused needs a person', paused, null, ['problem', 'RIGHTS_MISSING']],
    ['that asks for a task waits for one', asked, null, ['warning', 'NOT_NOW']],
    ['that is held says why', write(world, { type: 'gate-held', step: 'gate:off', reasons: ['app uses it'], retryAt: Date.now() }), Date.now(), ['warning', 'GATE_HELD']],
    ['that nobody carries on is told', world, Date.now() - 16 * 60_000, ['warning', 'ROTATION_STUCK']],
  ])('%s', async (_, events, dueAt, expected) => {
    const root = tempFolder()
    const state = await freshState(root)
    await journalOf(state, events, dueAt)
    const found = await look(root)
    expect(of(found, 'rotation')).toEqual([expected])
    expect(found.find(({ area }) => area === 'rotation')).toMatchObject({ secret: 'database', subject: 'one' })
    // What is judged of another one that begins is not judged now.
    expect(found.some(({ says }) => says.includes('not judged while one is open'))).toBe(true)
  })

  it('begins nowhere while somebody has paused the state', async () => {
    const root = tempFolder()
    const state = await freshState(root)
    await pauseState(state, { by: 'somebody', reason: 'a release', at: Date.now() })
    const found = await look(root)
    expect(of(found, 'rotation')).toEqual([['problem', 'PAUSED']])
    expect(found.find(({ area }) => area === 'rotation')?.says).toMatch(/by somebody since \S+Z: a release$/)
    await continueState(state, { by: 'somebody', at: Date.now() })
    expect(of(await look(root), 'rotation')).toEqual([])
  })

  it('whose journal was edited, whose clock was ahead or whose secret is gone from the manifest is found', async () => {
    const root = tempFolder()
    const state = await freshState(root)
    await journalOf(state, { ...world, events: world.events.map((event) => ({ ...event, at: event.at - START + Date.now() + 3_600_000 })) })
    expect(of(await look(root), 'clock')).toContainEqual(['problem', 'CLOCK_WRONG'])
    const without = await look(root, {}, {}, { other: pretendSecret(password) })
    expect(without.find(({ area }) => area === 'rotation')).toMatchObject({ subject: 'one', code: 'NOTICE', says: expect.stringContaining('no longer has database') })
    inState(state.folder, `update event set body = replace(body, 'somebody', 'nobody') where seq = 1`)
    expect(of(await look(root), 'rotation')).toEqual([['problem', 'JOURNAL_BROKEN']])
  })
})

describe('everything', () => {
  it('is looked at in spite of what fails: system checks, every secret but future ones, dates; in the order of the manifest', async () => {
    const root = tempFolder()
    const state = await freshState(root)
    await openOne(state, 'old', { secret: 'database', opened: { type: 'noted', at: START - 400 * 86_400_000, body: {} } })
    await state.db.updateTable('rotation').set({ result: 'done' }).where('id', '=', 'old').execute()
    const red: CheckSpec = { ...pretend<PretendCheck>({ run: async () => done({ verdict: 'fail', evidence: { exit: 1 } }) }), within: 500 }
    const lost: CheckSpec = { ...red, use: 'nowhere' }
    const broken = pretendSecret(password, { issuer: { ...pretend({}), use: 'nowhere' } })
    const found = await look(root, {}, { preflight: [red, lost], postflight: [red] }, {
      broken, database: pretendSecret(password, { every: '90d' }), later: pretendSecret(password, { lifecycle: 'future', stores: [] }), cache: pretendSecret(password, { stores: [pretendStore(generate(ALNUM, 24))] }),
    })
    expect(of(found.filter(({ secret }) => secret === undefined), 'check')).toEqual([['problem', 'PRECONDITION_FAILED'], ['problem', 'MANIFEST_INVALID'], ['warning', 'CHECK_FAILED']])
    expect([...new Set(found.map(({ secret }) => secret))]).toEqual([undefined, 'broken', 'database', 'cache'])
    expect(of(found.filter(({ secret }) => secret === 'broken'), 'issuer')).toEqual([['problem', 'MANIFEST_INVALID']])
    expect(of(found.filter(({ secret }) => secret === 'database'), 'due', 'issuer')).toEqual([['ok', undefined], ['ok', undefined], ['warning', 'ROTATION_DUE']])
    expect(of(found.filter(({ secret }) => secret === 'cache'), 'issuer', 'due')).toContainEqual(['problem', 'CREDENTIAL_REJECTED'])
    const one = await look(root, { only: 'cache' }, {}, { broken, cache: pretendSecret(password) })
    expect([...new Set(one.map(({ secret }) => secret))]).toEqual([undefined, 'cache'])
    await expect(look(root, { only: 'nothing' })).rejects.toMatchObject({ code: 'SECRET_UNKNOWN' })
  })

  it('leaves every byte and every mode of the state as it was', async () => {
    const { root, folder, identity } = await closedState()
    await (await openState(folder, identity)).close()
    const photo = (): unknown => [join(folder, STATE_FILE), join(folder, '.gitignore'), identity, folder].map((path) => [statSync(path).mode, statSync(path).isFile() ? readFileSync(path, 'base64') : readdirSync(path).sort()])
    const before = photo()
    await look(root)
    expect(photo()).toEqual(before)
  })
})
