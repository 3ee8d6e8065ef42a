import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Certified, certify } from '../../../test/fixture/certificates.ts'
import { type Clusters, makeClusters } from '../../../test/fixture/clusters.ts'
import { sealedFile } from '../../../test/fixture/sealed-file.ts'
import { proving } from '../../../test/systems/claims.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import type { Store } from '../../kit/store.ts'
import { inScratch } from '../../outside/git/scratch.ts'
import { callWithin } from '../../testing/call.ts'
import { storeSuite } from '../../testing/store.ts'
import { type FakeForge, startFakeForge } from './fake.ts'
import { openStore } from './index.ts'
import { storeSchema } from './manifest.ts'
import { unsealed } from './provider.ts'
import { sealerOf } from './seal.ts'

const FILE = 'apps/atlas/db.sealed.yaml'
const NAMED = { namespace: 'atlas', name: 'db' }
const TOKEN = generate(ALNUM, 24)

let controller: Certified
let other: Certified
beforeAll(() => {
  const authority = certify({ commonName: 'fake' })
  controller = certify({ commonName: 'sealed-secrets', by: authority, rsa: true })
  other = certify({ commonName: 'another cluster', by: authority, rsa: true })
})

const call = (ms = 20_000) => callWithin(ms)

interface World extends FakeForge {
  readonly clusters: Clusters
  readonly folder: string
  /** By the path of the repository, unless `git` says {@link World.overHttp}. */
  open(more?: object, git?: object): Store
  readonly overHttp: { readonly remote: string; readonly token: string }
}

function sealer({ cert }: Certified) {
  const made = sealerOf(cert, 'the certificate')
  if (made.is !== 'done') throw new Error(made.is)
  return made.value
}

async function start(kept = false): Promise<World> {
  const seal = (value: Secret): string => sealer(controller).seal(value, 'atlas/db')
  const values = { password: generate(ALNUM, 20), password_old: generate(ALNUM, 20) }
  const clusters = makeClusters({ [FILE]: sealedFile({ ...NAMED, values, seal }), 'README.md': 'ours\n', 'apps/other.yaml': 'kind: ConfigMap\n' })
  const forge = await startFakeForge({
    root: clusters.root, token: TOKEN, kept,
    followed: { repository: clusters.repository, branch: 'main', file: FILE, ...NAMED, certificate: controller.cert, key: controller.key },
  })
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-sealed-'))
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify({
    'current-context': 'fake', contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
    clusters: [{ name: 'fake', cluster: { server: forge.api.url } }], users: [{ name: 'fake', user: { token: 'of-the-fake' } }],
  }))
  writeFileSync(join(folder, 'controller.pem'), controller.cert)
  writeFileSync(join(folder, 'other.pem'), other.cert)
  const host = { base: folder, now: Date.now, conceal: () => undefined, resolve: async (text: string) => new Secret(text === '${env:T}' ? TOKEN : text) }
  return {
    ...forge, clusters, folder,
    open: (more = { certificate: 'controller.pem' }, git = {}) => openStore(storeSchema.parse({
      git: { remote: `file://${clusters.repository}`, file: FILE, ...git }, ...NAMED, flux: { kustomization: 'apps' }, kubeconfig: 'kubeconfig', ...more,
    }), host),
    overHttp: { remote: `${forge.git.url}/clusters.git`, token: '${env:T}' },
    async close() {
      await forge.close()
      clusters.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What of the tree is not ours: the file without our keys' lines, and every other entry. */
function siblingsIn({ git, text }: Clusters): string {
  const lines = text(FILE).split('\n').filter((line) => !/^ {4}"?(?:password|password_old|fresh)"?:/.test(line))
  return [...lines, git('ls-tree', '-r', 'main').split('\n').filter((line) => !line.endsWith(FILE)).join('\n')].join('\n')
}

/** How the folders begin that looks and writes of this store work in. */
function scratchOf(store: Store): Promise<readonly string[]> {
  return Promise.all((['look', 'write'] as const).map((purpose) => inScratch(store.identity(), purpose, async (folder) => basename(folder).slice(0, -6))))
}

/** What the repository does at a push. */
function hook({ repository }: Clusters, name: 'pre-receive' | 'post-receive', script: string): void {
  writeFileSync(join(repository, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

let edits = 0
/** What a person does to a key of theirs: a comment is a byte too. */
function edit({ clusters }: World): void {
  edits += 1
  clusters.commit({ [FILE]: clusters.text(FILE).replace(/# of the mail server.*/, `# of the mail server, ${edits}`) })
}

storeSuite(proving({ connector: 'sealed-secrets', as: 'store', on: 'fake' }, describe.concurrent), 'sealed-secrets', async () => {
  const world = await start()
  const ours = await scratchOf(world.open())
  return {
    store: world.open(), again: () => world.open(),
    keys: ['password', 'password_old'], fresh: 'fresh',
    siblings: () => siblingsIn(world.clusters),
    edit: () => edit(world),
    // As a write makes it that is killed in the middle.
    leave: () => { mkdirSync(join(tmpdir(), `${ours[1]}killed`)) },
    litter: () => readdirSync(tmpdir()).some((name) => ours.some((beginning) => name.startsWith(beginning))),
    loseAnswer: () => hook(world.clusters, 'post-receive', `rm "$0"; kill -9 $PPID`),
    close: () => world.close(),
  }
})

async function inWorld(body: (world: World) => Promise<void>, kept = false): Promise<void> {
  const world = await start(kept)
  try {
    await body(world)
  } finally {
    await world.close()
  }
}

async function revisionOf(store: Store): Promise<string> {
  const seen = await store.read([], call())
  if (seen.is !== 'done') throw new Error(JSON.stringify(seen))
  return seen.value.revision
}

/** Writes a new password; answers it with the revision. */
async function write(store: Store, patch = { password: new Secret(generate(ALNUM, 24)) }): Promise<{ readonly patch: { readonly password: Secret }; readonly revision: string }> {
  const written = await store.write(patch, await revisionOf(store), call())
  if (written.is !== 'done') throw new Error(JSON.stringify(written))
  return { patch, revision: written.value.revision }
}

describe('a sealed secret in git', () => {
  it('is sealed in memory for its own name and namespace only, every time to other bytes (S4-16)', () => inWorld(async ({ open, clusters }) => {
    const store = open()
    const { patch } = await write(store)
    const first = /password: (\S+)/.exec(clusters.text(FILE))?.[1] ?? ''
    expect(unsealed(first, controller.key, 'atlas/db').toString() === patch.password.reveal()).toBe(true)
    for (const scope of ['atlas/other', 'other/db', 'atlas', '']) expect(() => unsealed(first, controller.key, scope)).toThrow('oaep decoding error')
    await write(store, patch)
    expect(/password: (\S+)/.exec(clusters.text(FILE))?.[1] === first).toBe(false)
  }))

  it('is the only thing in its commit, whose message names no value (S4-17)', () => inWorld(async ({ open, clusters }) => {
    const before = clusters.git('rev-parse', 'main')
    const { patch } = await write(open())
    expect(clusters.git('rev-parse', 'main^')).toBe(before)
    expect(clusters.git('diff-tree', '-r', '--name-status', before, 'main')).toBe(`M\t${FILE}`)
    expect(clusters.git('log', '-1', '--format=%an <%ae>%n%B', 'main')).toBe('keyturn <keyturn@localhost>\nSeal atlas/db again')
    expect(clusters.git('diff', '--stat', before, 'main')).toContain('1 insertion(+), 1 deletion(-)')
    expect(clusters.git('diff', before, 'main').includes(patch.password.reveal())).toBe(false)
  }))

  it('is pushed again on top of what others pushed in that moment; only a change of the file is a conflict', () => inWorld(async (world) => {
    const { clusters, open } = world
    const revision = await revisionOf(open())
    // Another push is faster, once: git finds the branch elsewhere than it was.
    hook(clusters, 'pre-receive', `rm "$0"; unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git update-ref refs/heads/main $(git commit-tree 'main^{tree}' -p main -m theirs)`)
    const patch = { password: new Secret(generate(ALNUM, 24)) }
    expect(await open().write(patch, revision, call())).toMatchObject({ is: 'done' })
    expect(clusters.git('log', '--format=%s', 'main')).toBe('Seal atlas/db again\ntheirs\nAn edit')
    edit(world)
    expect(await open().write(patch, revision, call())).toMatchObject({ is: 'refused', code: 'CONFLICT' })
  }))

  it('that somebody may not push to is refused before anything is written, and at the write', () => inWorld(async ({ open, clusters, overHttp }) => {
    const revision = await revisionOf(open())
    hook(clusters, 'pre-receive', 'echo protected >&2; exit 1')
    expect(await open().write({ password: new Secret('x') }, revision, call())).toMatchObject({ is: 'refused', code: 'STORE_DENIED', evidence: { git: 'remote-rejected' } })
    const anonymous = open(undefined, { ...overHttp, token: undefined })
    for (const answer of [await anonymous.preflight(call()), await anonymous.read([], call()), await anonymous.write({ password: new Secret('x') }, revision, call())]) {
      expect(answer).toMatchObject({ is: 'refused', code: 'STORE_DENIED', evidence: { git: 'not-authorized' } })
    }
  }))

  it('is reached over HTTP with a token that stands in no argument and no answer; contents that are not needed are left out', () => inWorld(async ({ open, clusters, overHttp, git, folder }) => {
    clusters.git('config', 'uploadpack.allowFilter', 'true')
    // Another program of this name comes first, and writes down what it is started with.
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    writeFileSync(join(folder, 'git'), `#!/bin/sh\nprintf '%s ' "$@" >>"${folder}/argv"\nexec "${real}" "$@"\n`, { mode: 0o755 })
    vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`)
    onTestFinished(() => { vi.unstubAllEnvs() })
    const store = open(undefined, overHttp)
    const { patch, revision } = await write(store)
    const argv = readFileSync(join(folder, 'argv'), 'utf8')
    expect(argv).toContain('push --porcelain')
    for (const value of [TOKEN, Buffer.from(`git:${TOKEN}`).toString('base64'), patch.password.reveal()]) expect(argv.includes(value)).toBe(false)
    const answers = [await store.preflight(call()), await store.arrived?.(patch, revision, call()), store.title(), store.identity()]
    expect(answers.slice(0, 2)).toMatchObject([{ is: 'done' }, { is: 'done', value: { arrived: true } }])
    expect(JSON.stringify(answers).includes(TOKEN)).toBe(false)
    await git.inject('unreachable')
    expect(await store.read([], call())).toMatchObject({ is: 'refused', code: 'UNREACHABLE' })
  }))

  it.each(['answer-lost', 'server-error'] as const)('whose push met %s is unknown, or known by a look: never done twice', (fault) => inWorld(async ({ open, clusters, overHttp, git }) => {
    const store = open(undefined, overHttp)
    const revision = await revisionOf(store)
    await git.inject(fault)
    expect(await store.write({ password: new Secret('x') }, revision, call())).toMatchObject({ is: 'unknown', code: 'SERVER_ERROR', evidence: { git: 'cut' } })
    expect(clusters.git('log', '--format=%s', 'main')).toBe(fault === 'answer-lost' ? 'Seal atlas/db again\nAn edit' : 'An edit')
  }))

  it('whose push libcurl sends a second time, since the first got no answer, is done', () => inWorld(async ({ open, clusters, overHttp, git }) => {
    const store = open(undefined, overHttp)
    const revision = await revisionOf(store)
    await git.inject('answer-lost')
    expect(await store.write({ password: new Secret('x') }, revision, call())).toMatchObject({ is: 'done' })
    expect(clusters.git('log', '--format=%s', 'main')).toBe('Seal atlas/db again\nAn edit')
  }, true))

  it('whose branch, file or name is not there is refused and named', () => inWorld(async ({ open }) => {
    expect(await open(undefined, { branch: 'nowhere' }).read([], call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING', evidence: { git: 'no-such-branch' } })
    expect(await open(undefined, { file: 'apps/nothing.yaml' }).read([], call())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
    expect(await open(undefined, { file: 'apps' }).read([], call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    expect(await open({ certificate: 'controller.pem', name: 'nobody' }).read([], call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  }))
})

describe('its certificate', () => {
  it('comes from a file or from the controller, which is asked whether it can unseal before anything is pushed', () => inWorld(async ({ open, api, clusters }) => {
    const store = open({ controller: api.url })
    expect(await store.preflight(call())).toMatchObject({ is: 'done' })
    await write(store)
    const before = clusters.git('rev-parse', 'main')
    clusters.commit({ [FILE]: clusters.text(FILE).replace(/(sibling: )"\S+"/, `$1"${sealer(other).seal(new Secret('x'), 'atlas/db')}"`) })
    expect(await store.write({ password: new Secret('x') }, await revisionOf(store), call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    expect(clusters.git('rev-parse', 'main^')).toBe(before)
  }))

  it('is refused when it has ended, is none or is not there, and told of when it ends soon', () => inWorld(async ({ open, folder }) => {
    const authority = certify({ commonName: 'fake' })
    for (const [name, text] of [['ended', certify({ commonName: 'x', by: authority, rsa: true, days: -1 }).cert], ['none', 'no certificate'], ['ec', certify({ commonName: 'x' }).cert]] as const) {
      writeFileSync(join(folder, name), text)
      expect(await open({ certificate: name }).preflight(call()), name).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
      expect(await open({ certificate: name }).write({ password: new Secret('x') }, '', call()), name).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    }
    expect(await open({ certificate: 'nowhere' }).preflight(call())).toMatchObject({ is: 'refused', code: 'REFERENCE_UNRESOLVED' })
    writeFileSync(join(folder, 'soon'), certify({ commonName: 'x', by: authority, rsa: true, days: 3 }).cert)
    expect(JSON.stringify(await open({ certificate: 'soon' }).preflight(call()))).toContain('the certificate ends on')
  }))
})

describe('what was pushed', () => {
  it('has arrived when Flux has applied its revision and the live Secret holds it, and not before (S4-18)', () => inWorld(async ({ open, cluster }) => {
    const store = open()
    cluster.held.add('source').add('kustomization').add('controller')
    const { patch, revision } = await write(store)
    for (const [part, why] of [['source', 'Flux has not fetched it yet'], ['kustomization', 'Flux has fetched it and not applied it yet'], ['controller', 'the controller has not looked at the SealedSecret atlas/db yet']] as const) {
      expect(await store.arrived?.(patch, revision, call())).toEqual({ is: 'done', value: { arrived: false, why } })
      cluster.held.delete(part)
    }
    expect(await store.arrived?.(patch, revision, call())).toEqual({ is: 'done', value: { arrived: true } })
    expect(await store.arrived?.({ password: new Secret('another') }, revision, call())).toMatchObject({ is: 'done', value: { arrived: false } })
  }))

  it('has arrived with any later commit that leaves the file as it is', () => inWorld(async ({ open, cluster, clusters }) => {
    const store = open()
    const { patch, revision } = await write(store)
    expect(await store.arrived?.(patch, revision, call())).toMatchObject({ value: { arrived: true } })
    cluster.held.add('source')
    clusters.commit({ 'README.md': 'theirs\n' })
    expect(await store.arrived?.(patch, revision, call())).toMatchObject({ value: { arrived: true } })
  }))

  it('that another one wrote over is told', () => inWorld(async ({ open, clusters }) => {
    const store = open()
    const { patch, revision } = await write(store)
    const theirs = sealer(controller).seal(new Secret('theirs'), 'atlas/db')
    clusters.commit({ [FILE]: clusters.text(FILE).replace(/password: \S+/, `password: ${theirs}`) })
    expect(await store.arrived?.(patch, revision, call())).toMatchObject({ is: 'refused', code: 'STORE_EDITED' })
  }))

  it('makes Flux fetch at once, unless it is not to be asked or may not be', () => inWorld(async ({ open, cluster }) => {
    await write(open())
    expect(cluster.asked).toBe(1)
    // Whoever takes over from a killed writer asks too.
    await open().tidy(call())
    expect(cluster.asked).toBe(2)
    await write(open({ certificate: 'controller.pem', flux: { kustomization: 'apps', reconcile: false } }))
    expect(cluster.asked).toBe(2)
    cluster.denied.add('patch gitrepositories')
    expect(JSON.stringify(await open().preflight(call()))).toContain('the right to patch the GitRepository is missing')
  }))

  it('sealed for another cluster is refused in the words of the controller, is no value, and can be written over', () => inWorld(async ({ open }) => {
    const wrong = open({ certificate: 'other.pem' })
    const { patch, revision } = await write(wrong)
    const answer = await wrong.arrived?.(patch, revision, call())
    expect(answer).toMatchObject({ is: 'refused', code: 'STORE_UNFIT', about: 'the controller makes no Secret of atlas/db: no key could decrypt secret (password)' })
    expect(await wrong.read(['password'], call())).toMatchObject({ is: 'done', value: { entries: {} } })
    expect(await wrong.preflight(call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
    const right = await write(open())
    expect(await open().arrived?.(right.patch, right.revision, call())).toMatchObject({ value: { arrived: true } })
  }))

  it('on top of a commit that Flux cannot build is refused in the words of Flux, and not waited for', () => inWorld(async ({ open, clusters }) => {
    clusters.commit({ 'apps/broken.yaml': 'a: b\nc: d: e\n' })
    const store = open()
    const { patch, revision } = await write(store)
    const answer = await store.arrived?.(patch, revision, call())
    expect(answer).toMatchObject({ is: 'refused', code: 'STORE_UNFIT', evidence: { reason: 'BuildFailed' } })
    expect(JSON.stringify(answer)).toContain('BuildFailed: failed to decode Kubernetes YAML from apps/broken.yaml')
    expect(await store.read(['password'], call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    clusters.commit({ 'apps/broken.yaml': null })
    expect(await store.arrived?.(patch, revision, call())).toMatchObject({ value: { arrived: true } })
  }))

  it('is not waited for where Flux is suspended', () => inWorld(async ({ open, cluster }) => {
    for (const part of ['source', 'kustomization'] as const) {
      cluster.suspended.clear()
      cluster.suspended.add(part)
      expect(await open().preflight(call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      const { patch, revision } = await write(open())
      expect(await open().arrived?.(patch, revision, call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    }
  }))

  it('is not read before the cluster has it, and says what it waits for', () => inWorld(async ({ open, cluster }) => {
    cluster.held.add('kustomization')
    await write(open())
    const answer = await open().read(['password'], call(1_500))
    expect(answer).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    expect(JSON.stringify(answer)).toContain('Flux has fetched it and not applied it yet')
  }))

  it('without Flux is waited for in the live Secret alone', () => inWorld(async ({ open, cluster }) => {
    const store = open({ certificate: 'controller.pem', flux: undefined })
    cluster.held.add('kustomization')
    const { patch, revision } = await write(store)
    expect(await store.arrived?.(patch, revision, call())).toMatchObject({ value: { arrived: false, why: 'the cluster has another version of the SealedSecret atlas/db' } })
    cluster.held.clear()
    expect(await store.arrived?.(patch, revision, call())).toMatchObject({ value: { arrived: true } })
  }))
})

describe('a proposal', () => {
  it('goes to a branch of its own and waits for a person; merged it arrives, and the branch is taken away', () => inWorld(async ({ open, clusters }) => {
    const store = open(undefined, { propose: 'keyturn/db' })
    expect(JSON.stringify(await store.preflight(call()))).toContain('waits for a person who merges it into main')
    const before = clusters.git('rev-parse', 'main')
    const patch = { password: new Secret(generate(ALNUM, 24)) }
    for (let time = 0; time < 2; time += 1) {
      const answer = await store.write(patch, await revisionOf(store), call())
      expect(answer).toMatchObject({ is: 'ask', task: { kind: 'prepare', title: 'Merge the branch keyturn/db into main' } })
      expect(JSON.stringify(answer).includes(patch.password.reveal())).toBe(false)
      expect(clusters.git('rev-parse', 'main')).toBe(before)
      expect(clusters.git('diff-tree', '-r', '--name-only', 'main', 'keyturn/db')).toBe(FILE)
    }
    clusters.git('update-ref', 'refs/heads/main', 'keyturn/db')
    expect(await store.tidy(call())).toMatchObject({ is: 'done' })
    expect(clusters.git('branch', '--list', 'keyturn/db')).toBe('')
    const seen = await store.read(['password'], call())
    expect(seen.is === 'done' && patch.password.equals(seen.value.entries['password'])).toBe(true)
    expect(await store.arrived?.(patch, await revisionOf(store), call())).toMatchObject({ value: { arrived: true } })
  }))
})
