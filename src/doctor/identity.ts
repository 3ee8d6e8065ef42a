import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { done } from '../kit/index.ts'
import { canonical, gitState } from '../outside/file/index.ts'
import { type Identity, readIdentity } from '../sealing/identity.ts'
import { keepApart } from '../state/folder.ts'
import type { StatePlace } from '../state/place.ts'
import { finding, fine, type Found, thrownAt } from './finding.ts'
import type { Look } from './look.ts'

/** The identity, as far as it can be used, and what was found of it and its place. */
export interface SeenIdentity {
  readonly identity?: Identity
  readonly found: readonly Found[]
}

/** Looks at the identity file: there, readable by nobody else, not beside what it opens, in no git tree. Makes nothing. */
export async function examineIdentity(file: string, place: StatePlace | undefined, isState: boolean, look: Look): Promise<SeenIdentity> {
  const found: Found[] = []
  try {
    if (place !== undefined) keepApart(file, typeof place === 'string' ? place : place.host)
  } catch (thrown) {
    found.push(thrownAt('identity', file, thrown))
  }
  found.push(...(await placeOf(file, look)))
  if (!existsSync(file)) {
    found.push(isState ? finding('problem', 'identity', file, 'IDENTITY_MISSING') : fine('identity', file, 'there is none yet: the first rotation makes it here'))
    return { found }
  }
  try {
    const identity = await readIdentity(file)
    return { identity, found: [...found, fine('identity', file, 'is there, and nobody else may read it; keep a copy where the state is not')] }
  } catch (thrown) {
    return { found: [...found, thrownAt('identity', file, thrown)] }
  }
}

async function placeOf(file: string, look: Look): Promise<Found[]> {
  const found: Found[] = []
  const folder = dirname(file)
  const stat = statSync(folder, { throwIfNoEntry: false })
  // Whoever may write the folder may put another identity in the place of this one; with the sticky bit only its owner may.
  if (stat !== undefined && (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0) {
    found.push(finding('warning', 'identity', file, 'IDENTITY_UNSAFE', `others may write in ${folder} (mode ${(stat.mode & 0o7777).toString(8)})`))
  }
  const git = await look(async (call) => done(await gitState(canonical(file), call)))
  const state = git.is === 'done' ? git.value : 'unknown'
  if (state !== 'outside') {
    const how = { tracked: 'git tracks it', ignored: 'it is in a git work tree, which is copied and cleaned', exposed: 'the next `git add` takes it', unknown: 'it is in a git work tree' }[state]
    found.push(finding('problem', 'identity', file, 'IDENTITY_UNSAFE', how))
  }
  return found
}
