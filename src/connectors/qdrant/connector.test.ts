import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { type Answer, type Credential, type Issuer, Secret } from '../../kit/index.ts'
import { callWithin } from '../../testing/call.ts'
import { issuerSuite, type IssuerWorld } from '../../testing/issuer.ts'
import { type FakeQdrant, startFakeQdrant } from './fake.ts'
import { openIssuer } from './index.ts'
import manifest, { issuerSchema } from './manifest.ts'

type Place = 'api_key' | 'read_only_api_key'

const aKey = (): string => `Old${randomBytes(20).toString('hex')}`
const LINES = { env: (place: string, key: string) => `QDRANT__SERVICE__${place.toUpperCase()}=${key}\n`, yaml: (place: string, key: string) => `  ${place}: "${key}"\n` } as const

interface Cluster {
  readonly folder: string
  readonly file: string
  readonly nodes: readonly FakeQdrant[]
  readonly current: Credential
  readonly reader: Secret
  open(config?: object): Issuer
  close(): Promise<void>
}

/** Two nodes, or as many as are asked for, that share a file, and a read-only key beside the one that is rotated. */
async function startCluster({ key = 'api_key' as Place, format = 'env' as 'env' | 'yaml', strategy = 'overlap', version = '1.17.0', count = 2 } = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-qdrant-'))
  const file = join(folder, format === 'env' ? 'qdrant.env' : 'local.yaml')
  const [own, reader] = [aKey(), aKey()]
  const main = LINES[format]('api_key', own) + LINES[format]('read_only_api_key', reader)
  writeFileSync(file, format === 'env' ? `# ours\nLOG_LEVEL=INFO\n${main}` : `log_level: INFO\nservice:\n  # ours\n${main}  http_port: 6333\n`, { mode: 0o600 })
  const nodes = await Promise.all(Array.from({ length: count }, () => startFakeQdrant(file, version)))
  const open = (config: object = {}): Issuer => openIssuer(issuerSchema.parse({
    key, format, strategy, nodes: nodes.map(({ url, command }, at) => ({ name: `node-${at + 1}`, url, file, restart: command })), ...config,
  }), { base: folder, now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined })
  const fields = { key: new Secret(key === 'api_key' ? own : reader) }
  return {
    folder, file, nodes, open, reader: new Secret(reader),
    current: { id: open().idOf(fields) ?? '', fields },
    async close() {
      for (const node of nodes) await node.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function makeWorld(strategy: (typeof manifest.strategies)[number]): Promise<IssuerWorld> {
  const server = await startCluster({ strategy, count: 1 })
  const [first] = server.nodes
  const sibling = { id: 'reader', fields: { key: server.reader } }
  let down = false
  let back: Promise<void> | undefined
  return {
    current: server.current, siblings: [sibling],
    open: () => {
      // An outage lasts until the next run of keyturn.
      if (down) back = first?.restart()
      down = false
      return server.open()
    },
    use: async ({ fields }) => ({
      alive: async () => (await fetch(`${first?.url}/collections`, { headers: { 'api-key': fields['key']?.reveal() ?? '' } })).ok,
      close: async () => undefined,
    }),
    async inject(fault) {
      if (fault === 'full') writeFileSync(server.file, readFileSync(server.file, 'utf8') + LINES.env('alt_api_key', aKey()))
      if (fault === 'answer-lost') first?.spoil('after')
      if (fault === 'server-error') first?.spoil('before')
      if (fault === 'slow') first?.spoil(700)
      if (fault === 'unreachable') {
        await first?.inject('unreachable')
        down = true
      }
    },
    async close() {
      await back
      await server.close()
    },
  }
}

for (const strategy of manifest.strategies) {
  issuerSuite(proving({ connector: 'qdrant', as: 'issuer', strategy, on: 'fake' }), `qdrant ${strategy}, fake`, () => makeWorld(strategy))
}
async function cluster(made: Parameters<typeof startCluster>[0] = {}): Promise<Cluster> {
  const started = await startCluster(made)
  onTestFinished(() => started.close())
  return started
}

function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(JSON.stringify(answer))
  return answer.value
}

const verdicts = (issuer: Issuer, credential: Credential): Promise<unknown[]> =>
  Promise.all(issuer.endpoints().map(async (name) => valueOf(await issuer.probe(credential, name, callWithin(10_000)))))

describe('a rotation of the key', () => {
  it.each(['env', 'yaml'] as const)('%s: beside the old one on every node, then alone and in the first place; all else byte for byte (I-12, S1-62)', async (format) => {
    const { open, current, file, nodes } = await cluster({ format })
    const before = readFileSync(file, 'utf8')
    const issuer = open()
    const next = issuer.propose(current)
    expect(valueOf(await issuer.preflight(current, next.id, callWithin(10_000))).evidence).toEqual({ server: '1.17.0', nodes: 2 })
    expect(valueOf(await issuer.mint({ credential: next, tag: 'a' }, callWithin(10_000))).evidence).toEqual({ nodes: 2, restarted: 2 })
    const [old, fresh] = [current.fields['key']?.reveal() ?? '', next.fields['key']?.reveal() ?? '']
    expect(readFileSync(file, 'utf8').split('\n').filter((line) => !line.includes(fresh))).toEqual(before.split('\n'))
    expect([await verdicts(issuer, current), await verdicts(issuer, next)].flat()).toEqual(Array.from({ length: 4 }, () => ({ verdict: 'accepted', code: '200' })))
    // Another process does it again, and restarts nothing.
    expect(valueOf(await open().mint({ credential: next, tag: 'a' }, callWithin(10_000))).evidence).toEqual({ nodes: 2, restarted: 0 })
    expect((await issuer.set(current.id, 'on', callWithin(10_000))).is).toBe('done')
    expect(valueOf(await issuer.set(current.id, 'gone', callWithin(10_000))).evidence).toEqual({ nodes: 2, restarted: 2 })
    expect(await issuer.set(current.id, 'on', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    expect(await verdicts(issuer, current)).toEqual([{ verdict: 'rejected', code: '401' }, { verdict: 'rejected', code: '401' }])
    expect(await verdicts(issuer, next)).toEqual([{ verdict: 'accepted', code: '200' }, { verdict: 'accepted', code: '200' }])
    expect(readFileSync(file, 'utf8').replaceAll('"', '')).toBe(before.replace(old, fresh).replaceAll('"', ''))
    expect(nodes.map(({ restarts }) => restarts)).toEqual([2, 2])
  })

  it('restarts what was changed by a run that was killed before the restart', async () => {
    const { open, current, nodes } = await cluster()
    const next = open().propose(current)
    nodes[1]?.spoil('before')
    expect(await open().mint({ credential: next, tag: 'a' }, callWithin(10_000))).toMatchObject({ is: 'unknown', code: 'COMMAND_FAILED' })
    expect(nodes.map(({ restarts }) => restarts)).toEqual([1, 0])
    expect(valueOf(await open().mint({ credential: next, tag: 'a' }, callWithin(10_000))).evidence).toEqual({ nodes: 2, restarted: 1 })
    nodes[0]?.spoil('before')
    expect((await open().set(current.id, 'gone', callWithin(10_000))).is).toBe('unknown')
    expect(valueOf(await open().set(current.id, 'gone', callWithin(10_000))).evidence).toEqual({ nodes: 2, restarted: 2 })
    expect(await verdicts(open(), current)).toEqual([{ verdict: 'rejected', code: '401' }, { verdict: 'rejected', code: '401' }])
  })

  it('of a read-only key is done in place, and proves that the new one may not write', async () => {
    const { open, current, file, reader } = await cluster({ key: 'read_only_api_key', strategy: 'in-place' })
    const before = readFileSync(file, 'utf8')
    const issuer = open()
    const next = issuer.propose(current)
    valueOf(await issuer.preflight(current, next.id, callWithin(10_000)))
    valueOf(await issuer.mint({ credential: next, tag: 'a' }, callWithin(10_000)))
    expect(await verdicts(issuer, current)).toEqual([{ verdict: 'rejected', code: '401' }, { verdict: 'rejected', code: '401' }])
    expect(await verdicts(issuer, next)).toEqual([{ verdict: 'accepted', code: '200' }, { verdict: 'accepted', code: '200' }])
    expect(readFileSync(file, 'utf8')).toBe(before.replace(reader.reveal(), next.fields['key']?.reveal() ?? ''))
  })

  it('never takes the last key away, without which everybody would be let in (I4)', async () => {
    const { open, current, file, nodes } = await cluster()
    const before = readFileSync(file, 'utf8')
    expect(await open().set(current.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'NOT_NOW', about: expect.stringContaining('lets everybody in') })
    expect(readFileSync(file, 'utf8')).toBe(before)
    expect(nodes.map(({ restarts }) => restarts)).toEqual([0, 0])
  })
})

describe('what is refused before anything is changed', () => {
  const look = async (made: Parameters<typeof startCluster>[0], spoil: (made: Cluster) => void = () => undefined, config: object = {}): Promise<Answer<unknown>> => {
    const started = await cluster(made)
    spoil(started)
    const issuer = started.open(config)
    return issuer.preflight(started.current, issuer.propose(started.current).id, callWithin(10_000))
  }

  it('a server without a second key, a file without the key, a key that is there twice, a command that is not there', async () => {
    expect(await look({ version: '1.16.3' })).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('strategy: in-place') })
    expect((await look({ version: '1.16.3', strategy: 'in-place' })).is).toBe('done')
    expect(await look({}, ({ file }) => writeFileSync(file, LINES.env('api_key', aKey())))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('does not hold the key') })
    expect(await look({}, ({ file }) => writeFileSync(file, LINES.env('api_key', aKey()).repeat(2)))).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    const nowhere = await cluster()
    const nodes = nowhere.nodes.map(({ url }) => ({ name: url, url, file: nowhere.file, restart: ['keyturn-no-such-command'] }))
    expect(await nowhere.open({ nodes }).preflight(nowhere.current, 'next', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'COMMAND_MISSING' })
  })

  it('a server that asks for no key, and a read-only key that may write (I12)', async () => {
    const open = await cluster()
    writeFileSync(open.file, '')
    const bare = await startFakeQdrant(open.file)
    onTestFinished(() => bare.close())
    writeFileSync(open.file, LINES.env('api_key', open.current.fields['key']?.reveal() ?? ''))
    const nodes = [{ name: 'bare', url: bare.url, file: open.file, restart: bare.command }]
    expect(await open.open({ nodes }).preflight(open.current, 'next', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS', about: expect.stringContaining('asks for no key') })

    const shared = aKey()
    const same = await cluster({ key: 'read_only_api_key', strategy: 'in-place' })
    writeFileSync(same.file, LINES.env('api_key', shared) + LINES.env('read_only_api_key', shared))
    const both = await startFakeQdrant(same.file)
    onTestFinished(() => both.close())
    const current = { id: 'read_only_api_key', fields: { key: new Secret(shared) } }
    const issuer = same.open({ nodes: [{ name: 'both', url: both.url, file: same.file, restart: both.command }] })
    expect(await issuer.preflight(current, 'read_only_api_key', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('may change things') })
  })

  it('says when a node does not take its key from the file', async () => {
    const { open, current, nodes, folder } = await cluster()
    const other = join(folder, 'other.env')
    writeFileSync(other, LINES.env('api_key', current.fields['key']?.reveal() ?? ''))
    const issuer = open({ nodes: nodes.map(({ url, command }) => ({ name: url, url, file: other, restart: command })) })
    expect(await issuer.mint({ credential: issuer.propose(current), tag: 'a' }, callWithin(10_000))).toMatchObject({ is: 'unknown', code: 'CREDENTIAL_REJECTED', about: expect.stringContaining('does not take its key from') })
  })
})

describe('the configuration', () => {
  it('refuses two read-only keys, of which the server knows one', () => {
    const nodes = [{ name: 'a', url: 'http://127.0.0.1:6333', file: 'a', restart: ['true'] }]
    expect(issuerSchema.safeParse({ key: 'read_only_api_key', format: 'env', nodes }).error?.issues[0]?.path).toEqual(['strategy'])
    expect(issuerSchema.safeParse({ key: 'read_only_api_key', format: 'env', nodes, strategy: 'in-place' }).success).toBe(true)
  })
})
