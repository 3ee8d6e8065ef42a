import { mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { type Clusters, makeClusters } from '../../../test/fixture/clusters.ts'
import { callWithin } from '../../testing/call.ts'
import { atTip } from './branch.ts'
import { remoteName, remoteSchema } from './remote.ts'
import { inScratch, tidyScratch } from './scratch.ts'

const accepts = (more: object): boolean => remoteSchema.safeParse({ remote: 'https://git.example/a.git', file: 'a.yaml', ...more }).success

describe('an address', () => {
  it.each(['https://github.com/acme/clusters.git', 'ssh://git@git.example:2222/acme/clusters', 'git@github.com:acme/clusters.git', '/srv/git/clusters.git', 'file:///srv/git/clusters.git'])('%s is one', (remote) => {
    expect(accepts({ remote })).toBe(true)
  })

  it.each(['https://user:password@github.com/acme/clusters', 'https://${env:TOKEN}@github.com/a', 'ssh://git:password@git.example/a', '--upload-pack=touch /tmp/x', 'ext::sh -c touch', 'clusters', 'https://github.com/a b'])('%s is none: it could hold a password, or be an option', (remote) => {
    expect(accepts({ remote })).toBe(false)
  })

  it('has one name however it is written', () => {
    expect(['https://github.com/acme/clusters.git', 'https://github.com/acme/clusters/', 'git@github.com:acme/clusters.git', 'ssh://git@github.com/acme/clusters'].map(remoteName)).toEqual(Array(4).fill('github.com/acme/clusters'))
  })
})

it.each([{ branch: '-x' }, { branch: 'a..b' }, { branch: 'a b' }, { branch: 'x.lock' }, { file: '/etc/passwd' }, { file: '../x' }, { file: 'a/../x' }, { file: 'a\nb' }, { message: 'a\nb' }, { author: { name: 'a', email: 'b c' } }])('refuses %j', (more) => {
  expect(accepts(more)).toBe(false)
})

async function inClusters(body: (clusters: Clusters) => Promise<void>): Promise<void> {
  const clusters = makeClusters({ 'a b/ä "q".yaml': 'x\r\ny\u0000', 'run.sh': '#!/bin/sh\n' })
  try {
    await body(clusters)
  } finally {
    clusters.close()
  }
}

const commit = { message: 'a commit', author: { name: 'k', email: 'k@example.com' }, at: 1_700_000_000_000 }

describe('a file at the tip of a branch', () => {
  it('is read and written byte for byte, whatever its name; mode and the other files stay', () => inClusters(async (clusters) => {
    const { repository: url, git } = clusters
    git('update-ref', 'refs/heads/main', git('commit-tree', git('rev-parse', 'main^{tree}'), '-p', 'main', '-m', 'two'))
    const text = '\uFEFF\0\r\n ä🔑 \n\n'
    const answer = await atTip({ url, branch: 'main' }, 'k', 'write', callWithin(20_000), async (tip) => {
      const before = await tip.file('a b/ä "q".yaml')
      expect(before.is === 'done' && before.value.bytes.toString()).toBe('x\r\ny\u0000')
      return tip.push('a b/ä "q".yaml', text, commit, { branch: 'main' })
    })
    expect(answer).toMatchObject({ is: 'done' })
    expect(await atTip({ url, branch: 'main' }, 'k', 'look', callWithin(20_000), (tip) => tip.file('a b/ä "q".yaml'))).toMatchObject({ is: 'done', value: { bytes: Buffer.from(text), ...(answer.is === 'done' ? answer.value : {}) } })
    expect(git('diff-tree', '-r', '-z', '--name-status', 'main^', 'main')).toBe('M\0a b/ä "q".yaml\0')
    expect(git('log', '-1', '--format=%an <%ae> %at %cn %s')).toBe('k <k@example.com> 1700000000 k a commit')
  }))

  it('keeps being a program, and is not written where it is a link or not there', () => inClusters(async ({ repository: url, git }) => {
    const blob = git('rev-parse', 'main:run.sh')
    git('read-tree', 'main')
    git('update-index', '--add', '--cacheinfo', `100755,${blob},run.sh`)
    git('update-index', '--add', '--cacheinfo', `120000,${blob},link`)
    git('update-ref', 'refs/heads/main', git('commit-tree', git('write-tree'), '-p', 'main', '-m', 'modes'))
    const push = (file: string) => atTip({ url, branch: 'main' }, 'k', 'write', callWithin(20_000), (tip) => tip.push(file, 'new', commit, { branch: 'main' }))
    expect(await push('run.sh')).toMatchObject({ is: 'done' })
    expect(git('ls-tree', 'main', 'run.sh')).toMatch(/^100755 /)
    for (const file of ['link', 'nothing', 'a b']) expect(await push(file)).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  }))

  it('is asked about in another commit; one that the remote does not have has none', () => inClusters(async ({ repository: url, git, commit: edit }) => {
    const [before, blob] = [git('rev-parse', 'main'), git('rev-parse', 'main:run.sh')]
    edit({ 'run.sh': 'other\n' })
    const seen = await atTip({ url, branch: 'main' }, 'k', 'look', callWithin(20_000), async (tip) => ({ is: 'done', value: [await tip.blobIn(before, 'run.sh'), await tip.blobIn('0'.repeat(39) + '1', 'run.sh')] }))
    expect(seen).toEqual({ is: 'done', value: [blob, undefined] })
  }))

  it('leaves no folder behind, and tidies what a killed writer and an old look left', async () => {
    const ours = (): readonly string[] => readdirSync(tmpdir()).filter((name) => left.some((folder) => folder.endsWith(name)))
    const left: string[] = []
    for (const purpose of ['write', 'look', 'look'] as const) await inScratch('a key', purpose, async (folder) => { left.push(folder) })
    expect(ours()).toEqual([])
    for (const folder of left) mkdirSync(folder)
    utimesSync(left[1] ?? '', 0, 0)
    await tidyScratch('another key', Date.now())
    expect(ours()).toHaveLength(3)
    await tidyScratch('a key', Date.now())
    expect(ours()).toEqual([left[2]?.split('/').at(-1)])
    rmSync(left[2] ?? '', { recursive: true })
  })
})
