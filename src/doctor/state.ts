import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { done, KeyturnError } from '../kit/index.ts'
import { canonical, gitState } from '../outside/file/index.ts'
import type { Identity } from '../sealing/identity.ts'
import { openFolder } from '../state/folder.ts'
import { glanceAtVersion } from '../state/glance.ts'
import { openState, type State, stateExists, STATE_FILE } from '../state/open.ts'
import { nameOfPlace, type StatePlace } from '../state/place.ts'
import { openPostgres } from '../state/postgres.ts'
import { STATE_VERSION } from '../state/schema.ts'
import { whereFilesLie } from './filesystem.ts'
import { finding, fine, type Found, notice, thrownAt } from './finding.ts'
import type { Look } from './look.ts'

/** With less room than this no step could be written down for long. */
const ROOM_BYTES = 16 * 1024 * 1024

/** Clocks may differ by this much: see the gate. */
const CLOCK_MS = 60_000

/** What statfs(2) says of the file system under a path. */
export type AskFileSystem = (path: string) => Promise<{ readonly type: number; readonly bavail: number; readonly bsize: number }>

/** An open state, when it could be opened without changing it; the caller closes it. */
export interface SeenState {
  readonly state?: State
  readonly found: readonly Found[]
}

/** Looks at the state and at what surrounds it, and opens it to read when its version is this keyturn's own. Makes and migrates nothing. */
export async function examineState(place: StatePlace, identity: Identity | undefined, look: Look, now: () => number, ask: AskFileSystem = statfs): Promise<SeenState> {
  const name = nameOfPlace(place)
  try {
    if (!(await stateExists(place))) return { found: [fine('state', name, 'there is none yet: the first rotation makes it here')] }
  } catch (thrown) {
    return { found: [thrownAt('state', name, thrown)] }
  }
  const found = typeof place === 'string' ? [...(await diskOf(place, ask)), ...(await gitOf(place, look)), ...modesOf(place)] : []
  try {
    if (typeof place === 'string') openFolder(place)
    const version = await versionAt(place)
    if (version < STATE_VERSION) {
      // Opening it would bring it forward, and this is only a look.
      return { found: [...found, notice('state', name, `its version is ${version}, this keyturn writes ${STATE_VERSION}: the next command brings it forward, and journals are not looked at now`)] }
    }
    const state = await openState(place, undefined)
    const foreign = identity !== undefined && state.publicKey !== '' && state.publicKey !== identity.publicKey
    if (foreign) found.push(finding('problem', 'identity', name, 'IDENTITY_WRONG'))
    const apart = (await state.clock()) - now()
    if (Math.abs(apart) > CLOCK_MS) found.push(finding('problem', 'clock', name, 'CLOCK_WRONG', `the clock of its database differs from ours by ${Math.round(Math.abs(apart) / 1000)} s`))
    return { state, found: [...found, fine('state', name, `is there, version ${version}`)] }
  } catch (thrown) {
    return { found: [...found, thrownAt('state', name, thrown)] }
  }
}

async function versionAt(place: StatePlace): Promise<number> {
  if (typeof place === 'string') return glanceAtVersion(place)
  const backend = await openPostgres(place.url)
  try {
    return await backend.version.read(backend.db)
  } finally {
    await backend.close()
  }
}

async function diskOf(folder: string, ask: AskFileSystem): Promise<Found[]> {
  try {
    const { type, bavail, bsize } = await ask(folder)
    const found: Found[] = bavail * bsize < ROOM_BYTES ? [finding('warning', 'state', folder, 'STATE_FULL', `${Math.floor((bavail * bsize) / 1024)} KiB are left`)] : []
    // The numbers are those of Linux.
    const lies = process.platform === 'linux' ? whereFilesLie(type) : ({ is: 'local' } as const)
    if (lies.is === 'remote') return [...found, finding('problem', 'state', folder, 'STATE_REMOTE', lies.name)]
    return lies.is === 'unclear' ? [...found, finding('warning', 'state', folder, 'STATE_REMOTE', `perhaps: it is ${lies.name}`)] : found
  } catch (thrown) {
    return [thrownAt('state', folder, thrown)]
  }
}

async function gitOf(folder: string, look: Look): Promise<Found[]> {
  const file = join(canonical(folder), STATE_FILE)
  const git = await look(async (call) => done(await gitState(file, call)))
  const state = git.is === 'done' ? git.value : 'unknown'
  if (state === 'tracked') return [finding('problem', 'state', folder, 'STATE_UNSAFE', 'git tracks it', 'Take it out (`git rm --cached -r`) and into .gitignore; then rotate what it holds.')]
  if (state === 'outside' || state === 'ignored') return []
  return [finding('warning', 'state', folder, 'STATE_UNSAFE', 'git does not ignore it', 'Bring back its own .gitignore, a line with `*`, or add the folder to yours.')]
}

/** The folder's own mode is judged by whoever opens it; what lies in it is closed by that, and should be by itself. */
function modesOf(folder: string): Found[] {
  try {
    const wide = readdirSync(folder).filter((name) => ((statSync(join(folder, name), { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return wide.length === 0 ? [] : [finding('warning', 'state', folder, 'STATE_UNSAFE', `others may read ${wide.join(', ')} in it`)]
  } catch (thrown) {
    return [thrownAt('state', folder, new KeyturnError('STATE_FULL', 'this user may not write it', { hint: 'Run as the user that it belongs to.', cause: thrown }))]
  }
}
