import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../../demo/until.ts'
import type { Answer } from '../../../src/kit/answer.ts'
import { Secret } from '../../../src/kit/secret.ts'
import type { Patch, Store } from '../../../src/kit/store.ts'
import { inScratch } from '../../../src/outside/git/scratch.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { storeSuite } from '../../../src/testing/store.ts'
import { certify } from '../../fixture/certificates.ts'
import { proving } from '../claims.ts'
import { randomValue, type Shelf, startWorld, type World } from './rig/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

const call = (ms = 30_000) => callWithin(ms)

/** What of the tree is not ours. */
function siblings({ file }: Shelf): string {
  const { clusters } = world
  const lines = clusters.text(file).split('\n').filter((line) => !/^ {4}"?(?:password|password_old|fresh)"?:/.test(line))
  return [...lines, clusters.git('ls-tree', '-r', 'main').split('\n').filter((line) => !line.endsWith(file)).join('\n')].join('\n')
}

let edits = 0
/** A key of somebody else's is sealed again by them: a real change of the SealedSecret. */
function edit({ file }: Shelf): void {
  edits += 1
  const { clusters } = world
  clusters.commit({ [file]: clusters.text(file).replace(/# of the mail server.*/, `# of the mail server, ${edits}`) })
}

storeSuite(proving(() => ({ connector: 'sealed-secrets', as: 'store', on: world.controller.says })), 'sealed-secrets behind Flux', async () => {
  const shelf = await world.shelf({ password: randomValue(), password_old: randomValue() })
  const ours = await inScratch(shelf.open().identity(), 'write', async (folder) => basename(folder).slice(0, -6))
  return {
    store: shelf.open(), again: () => shelf.open(),
    keys: ['password', 'password_old'], fresh: 'fresh',
    siblings: () => siblings(shelf), edit: () => edit(shelf),
    leave: () => { mkdirSync(join(tmpdir(), `${ours}killed`)) },
    litter: () => readdirSync(tmpdir()).some((name) => name.startsWith(ours)),
    loseAnswer: () => world.git.inject('answer-lost'),
    close: () => undefined,
  }
})

function must<T>(answer: Answer<T> | undefined): T {
  if (answer?.is === 'done') return answer.value
  throw new Error(JSON.stringify(answer))
}

async function write(store: Store, patch: Patch = { password: new Secret(randomValue()) }): Promise<{ readonly patch: Patch; readonly revision: string }> {
  const { revision } = must(await store.read([], call()))
  return { patch, revision: must(await store.write(patch, revision, call())).revision }
}

/** The first answer of `arrived` that is not "not yet", and why it was not until then. */
async function awaited(store: Store, { patch, revision }: { readonly patch: Patch; readonly revision: string }): Promise<{ readonly answer: Answer<unknown> | undefined; readonly whys: readonly string[] }> {
  const whys = new Set<string>()
  const answer = await until('an answer', 30_000, async () => {
    const seen = await store.arrived?.(patch, revision, call())
    if (seen?.is !== 'done' || seen.value.arrived) return seen
    whys.add(seen.value.why ?? '')
    return undefined
  })
  return { answer, whys: [...whys] }
}

describe('behind the controllers of Flux and Sealed Secrets', () => {
  it('a preflight is green, with what a reviewer must know', async () => {
    const shelf = await world.shelf({ password: randomValue() })
    const { notices } = must(await shelf.open().preflight(call()))
    expect(notices).toHaveLength(1)
    expect(notices[0]).toContain('stays in the history of the repository')
  })

  it('has arrived when the live Secret holds it, by the revision that Flux has applied, in seconds (S4-16, S4-17, S4-18)', async () => {
    const shelf = await world.shelf({ password: randomValue() })
    const { git } = world.clusters
    const before = git('rev-parse', 'main')
    const began = Date.now()
    const written = await write(shelf.open())
    expect(git('diff-tree', '-r', '--name-status', before, 'main')).toBe(`M\t${shelf.file}`)
    expect((await awaited(shelf.open(), written)).answer).toMatchObject({ is: 'done', value: { arrived: true } })
    expect(Date.now() - began).toBeLessThan(30_000)
    expect((await world.live(shelf.name, 'password')) === written.patch['password']?.reveal()).toBe(true)
    expect(await world.live(shelf.name, 'sibling')).toBe("somebody else's")
    const applied = await world.plane.kubectl(['get', 'kustomization/apps', '--namespace', 'flux-system', '-o', 'jsonpath={.status.lastAppliedRevision}'])
    expect(applied).toBe(`main@sha1:${git('rev-parse', 'main')}`)
  })

  it('waits while Flux is not asked and not due, and says so', async () => {
    const shelf = await world.shelf({ password: randomValue() })
    const store = shelf.open({ flux: { kustomization: 'apps', reconcile: false } })
    const written = await write(store)
    expect(await store.arrived?.(written.patch, written.revision, call())).toEqual({ is: 'done', value: { arrived: false, why: 'Flux has not fetched it yet' } })
    expect(await store.read(['password'], call(2_000))).toMatchObject({ is: 'refused', code: 'DEADLINE' })
    await world.hurry()
    expect((await awaited(store, written)).answer).toMatchObject({ value: { arrived: true } })
  })

  it('sealed for another cluster, or kept under another name, is refused in the words of the controller, and can be written over', async () => {
    const shelf = await world.shelf({ password: randomValue() })
    writeFileSync(join(world.plane.folder, 'other.pem'), certify({ commonName: 'x', by: certify({ commonName: 'y' }), rsa: true }).cert)
    const wrong = shelf.open({ controller: undefined, certificate: 'other.pem' })
    const { answer } = await awaited(wrong, await write(wrong))
    expect(answer).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    expect(JSON.stringify(answer)).toContain('no key could decrypt secret (password)')
    expect(await wrong.read(['password'], call())).toMatchObject({ is: 'done', value: { entries: {} } })
    const right = shelf.open()
    expect((await awaited(right, await write(right))).answer).toMatchObject({ value: { arrived: true } })
    const sealed = /password: (\S+)/.exec(world.clusters.text(shelf.file))?.[1] ?? ''
    const moved = await world.shelf({ password: randomValue() })
    world.clusters.commit({ [moved.file]: world.clusters.text(moved.file).replace(/password: \S+/, `password: ${sealed}`) })
    await world.hurry()
    expect(await until('the controller refuses', 30_000, async () => {
      const seen = await moved.open().preflight(call())
      return seen.is === 'refused' && seen.code === 'PRECONDITION_FAILED' ? seen.about : undefined
    })).toContain('no key could decrypt secret (password)')
    expect(must(await moved.open().read(['password'], call())).entries).toEqual({})
  })

  it('asks the controller before it pushes what the controller could not open', async () => {
    const [shelf, other] = [await world.shelf({ password: randomValue() }), await world.shelf({ password: randomValue() })]
    const sealed = /password: (\S+)/.exec(world.clusters.text(other.file))?.[1] ?? ''
    world.clusters.commit({ [shelf.file]: world.clusters.text(shelf.file).replace(/(sibling: )"\S+"/, `$1"${sealed}"`) })
    const before = world.clusters.git('rev-parse', 'main')
    const { revision } = must(await shelf.open().read([], call()))
    expect(await shelf.open().write({ password: new Secret(randomValue()) }, revision, call())).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
    expect(world.clusters.git('rev-parse', 'main')).toBe(before)
  })

  it('on top of a commit that Flux cannot build is refused in the words of Flux, and arrives once that is mended', async () => {
    const shelf = await world.shelf({ password: randomValue() })
    world.clusters.commit({ 'apps/broken.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: name: broken\n' })
    const written = await write(shelf.open())
    const { answer } = await awaited(shelf.open(), written)
    expect(answer).toMatchObject({ is: 'refused', code: 'STORE_UNFIT', evidence: { reason: 'BuildFailed' } })
    expect(JSON.stringify(answer)).toContain('mapping values are not allowed')
    world.clusters.commit({ 'apps/broken.yaml': null })
    await world.hurry()
    expect(await until('it arrives', 60_000, async () => {
      const seen = await shelf.open().arrived?.(written.patch, written.revision, call())
      return seen?.is === 'done' && seen.value.arrived ? true : undefined
    })).toBe(true)
  })

  it('a right that is missing is named before anything is written', async () => {
    const shelf = await world.shelf({ password: randomValue() })
    await world.plane.kubectl(['create', 'serviceaccount', 'nobody'])
    const kubeconfig = world.plane.kubeconfigFor(await world.plane.tokenOf('nobody'))
    const answer = await shelf.open({ kubeconfig }).preflight(call())
    expect(answer).toMatchObject({ is: 'refused', code: 'STORE_DENIED' })
    expect(JSON.stringify(answer)).toContain(`get secrets/${shelf.name} in atlas`)
  })
})
