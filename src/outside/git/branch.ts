import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { type Remote, remoteName } from './remote.ts'
import { type GitCommand, type GitSaid, runGit } from './run.ts'
import { inScratch, type Purpose } from './scratch.ts'

/** Where the branch is kept in our own repository. */
const BASE = 'refs/keyturn/base'

/** Where the commit is kept that is pushed. */
const MADE = 'refs/keyturn/made'

/** A file on a branch, at one moment. */
export interface FileAt {
  /** The commit at the tip of the branch. */
  readonly commit: string
  /** git's own id of the content. */
  readonly blob: string
  readonly bytes: Buffer
}

/** A repository of our own with the tip of one branch in it, for the time of one call. */
export interface Tip {
  /** What the branch says of the file. Refused with STORE_MISSING when it is not there, STORE_UNFIT when it is no regular file. */
  file(path: string): Promise<Answer<FileAt>>
  /** git's id of the content of this file in another commit of the remote; undefined when it is not there, or the remote does not show it. */
  blobIn(commit: string, path: string): Promise<string | undefined>
  /**
   * Commits this text as the content of one file, and nothing else, on top of the tip, and pushes it. `to` is the branch itself, which has to be
   * where it was (else CONFLICT, and nothing was changed), or with `replace` a branch of our own.
   */
  push(path: string, text: string, commit: Commit, to: { readonly branch: string; readonly replace?: boolean }): Promise<Answer<Pushed>>
  /** Asks the remote whether a push would be let in, and pushes nothing. What its hooks or rules of branches say is only known when it comes to it. */
  mayPush(branch: string): Promise<Answer<void>>
  /** Takes a branch of our own away; done when it is not there. */
  drop(branch: string): Promise<Answer<void>>
}

export interface Pushed {
  readonly commit: string
  /** git's id of the content. */
  readonly blob: string
}

export interface Commit {
  readonly message: string
  readonly author: { readonly name: string; readonly email: string }
  /** When, unix ms. */
  readonly at: number
}

/**
 * Fetches the tip of the branch alone (no history, and no contents where the remote can leave them out) into a private folder, and takes
 * the folder away when the body has ended. There is no work tree: no filter or line end of this machine changes a byte, and no
 * checkout of anybody is touched. `key` names what is written, for {@link tidyScratch}.
 */
export async function atTip<T>(remote: Remote, key: string, purpose: Purpose, call: Call, body: (tip: Tip) => Promise<Answer<T>>): Promise<Answer<T>> {
  if (call.signal.aborted) return refused('DEADLINE', remoteName(remote.url))
  return inScratch(key, purpose, async (folder) => {
    await makeRepository(folder, remote)
    const git = (command: GitCommand): Promise<Answer<GitSaid>> => runGit(folder, remote, command, call)
    const fetched = await git({ words: [...FETCH, 'origin', `+refs/heads/${remote.branch}:${BASE}`] })
    return fetched.is === 'done' ? body(tipOf(git, remote)) : fetched
  })
}

const FETCH = ['fetch', '--quiet', '--depth=1', '--filter=blob:none', '--no-tags']

/** What `git init --bare` and `git remote add` make, without starting them (gitrepository-layout(5)); contents may be fetched later. */
async function makeRepository(folder: string, { url }: Remote): Promise<void> {
  const config = `[core]\n\trepositoryformatversion = 0\n\tbare = true\n[remote "origin"]\n\turl = ${quoted(url)}\n\tpromisor = true\n\tpartialclonefilter = blob:none\n`
  for (const name of ['objects', 'refs']) await mkdir(join(folder, name))
  await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/nothing\n')
  await writeFile(join(folder, 'config'), config)
}

/** A text as git's configuration and its fast-import have it. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

type Git = (command: GitCommand) => Promise<Answer<GitSaid>>

function tipOf(git: Git, remote: Remote): Tip {
  const about = (path: string): string => `${path} on ${remote.branch} of ${remoteName(remote.url)}`
  /** Mode and content of a file in a commit, by their ids; undefined when it is not there. */
  const entry = async (at: string, path: string): Promise<Answer<{ mode: string; blob: string } | undefined>> => {
    const listed = await git({ words: ['--literal-pathspecs', 'ls-tree', '-z', '--full-tree', at, '--', path] })
    if (listed.is !== 'done') return listed
    const [, mode = '', blob = ''] = /^(\d+) \w+ ([0-9a-f]+)\t/.exec(listed.value.text) ?? []
    return done(blob === '' ? undefined : { mode, blob })
  }

  /**
   * Whether a push that was rejected is our own second one: on a kept connection that ends without an answer libcurl sends a request
   * again, and the branch is where the first one has moved it.
   */
  const standsAt = async (branch: string, commit: string): Promise<boolean> => {
    const there = await git({ words: ['ls-remote', 'origin', `refs/heads/${branch}`] })
    return there.is === 'done' && there.value.text.startsWith(commit)
  }

  return {
    async file(path) {
      // Brings the content, where it was left out.
      const read = await git({ words: ['cat-file', '--batch'], input: `${BASE}^{commit}\n${BASE}:${path}\n` })
      if (read.is !== 'done') return read
      const [commit, file] = objectsIn(read.value.bytes)
      if (commit === undefined || file === undefined) return refused('STORE_MISSING', about(path))
      return file.type === 'blob' ? done({ commit: commit.id, blob: file.id, bytes: file.bytes }) : refused('STORE_UNFIT', `${about(path)} is no file`)
    },

    async blobIn(commit, path) {
      const fetched = await git({ words: [...FETCH, 'origin', commit] })
      const found = fetched.is === 'done' ? await entry(commit, path) : fetched
      return found.is === 'done' ? found.value?.blob : undefined
    },

    async push(path, text, commit, to) {
      const found = await entry(BASE, path)
      if (found.is !== 'done') return found
      const { mode = '' } = found.value ?? {}
      if (!mode.startsWith('100')) return refused('STORE_UNFIT', `${about(path)} is no regular file`)
      const made = await commitOf(git, { path, text, mode, ...commit })
      if (made.is !== 'done') return made
      const ref = `${made.value.commit}:refs/heads/${to.branch}`
      const pushed = await git({ effect: true, words: ['push', '--porcelain', '--no-verify', 'origin', to.replace === true ? `+${ref}` : ref] })
      const again = pushed.is === 'refused' && pushed.code === 'CONFLICT' && (await standsAt(to.branch, made.value.commit))
      return pushed.is === 'done' || again ? made : pushed
    },

    async mayPush(branch) {
      const tried = await git({ words: ['push', '--porcelain', '--dry-run', '--no-verify', 'origin', `${BASE}:refs/heads/${branch}`] })
      // One that somebody has moved meanwhile, or that is our own and stands elsewhere, was looked at with the right to write.
      if (tried.is === 'refused' && tried.code === 'CONFLICT') return done(undefined)
      return tried.is === 'done' ? done(undefined) : tried
    },

    async drop(branch) {
      const there = await git({ words: ['ls-remote', 'origin', `refs/heads/${branch}`] })
      if (there.is !== 'done' || there.value.text.trim() === '') return there.is === 'done' ? done(undefined) : there
      const dropped = await git({ effect: true, words: ['push', '--porcelain', '--no-verify', 'origin', `:refs/heads/${branch}`] })
      return dropped.is === 'done' ? done(undefined) : dropped
    },
  }
}

interface Content extends Commit {
  readonly path: string
  readonly text: string
  readonly mode: string
}

/** A commit on top of the tip in which only this file differs: nothing else is looked at, so that contents that were left out may stay so. */
async function commitOf(git: Git, { path, text, mode, message, author, at }: Content): Promise<Answer<Pushed>> {
  const who = `${author.name} <${author.email}> ${Math.floor(at / 1000)} +0000`
  const data = (content: string): string => `data ${Buffer.byteLength(content)}\n${content}\n`
  const input = `commit ${MADE}\nauthor ${who}\ncommitter ${who}\n${data(`${message}\n`)}from ${BASE}^0\nM ${mode} inline ${quoted(path)}\n${data(text)}`
  const imported = await git({ words: ['fast-import', '--quiet'], input })
  if (imported.is !== 'done') return imported
  const named = await git({ words: ['rev-parse', MADE, `${MADE}:${path}`] })
  const [commit = '', blob = ''] = named.is === 'done' ? named.value.text.split('\n') : []
  return named.is === 'done' ? done({ commit, blob }) : named
}

interface GitObject {
  readonly id: string
  readonly type: string
  readonly bytes: Buffer
}

/** What `cat-file --batch` prints: a line with id, type and size, the content, a line end; `undefined` for one that is not there. */
function objectsIn(printed: Buffer): readonly (GitObject | undefined)[] {
  const objects: (GitObject | undefined)[] = []
  for (let at = 0; at < printed.length;) {
    const end = printed.indexOf('\n', at)
    const [, id = '', type = '', size = '0'] = /^([0-9a-f]+) (\w+) (\d+)$/.exec(printed.subarray(at, end).toString()) ?? []
    const from = end + 1
    objects.push(id === '' ? undefined : { id, type, bytes: printed.subarray(from, from + Number(size)) })
    at = id === '' ? from : from + Number(size) + 1
  }
  return objects
}
