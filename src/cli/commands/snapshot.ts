import { writeFileSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import { foldProgress } from '../../journal/progress.ts'
import { readEvents } from '../../journal/read.ts'
import { KeyturnError, reduceCause } from '../../kit/index.ts'
import type { Manifest } from '../../manifest/model.ts'
import { withEngine } from '../../operations/follow.ts'
import { readSnapshotNote } from '../../operations/snapshot-sides.ts'
import { listSnapshots, openSnapshot } from '../../operations/snapshots.ts'
import { canonical, gitState } from '../../outside/file/index.ts'
import { openStateIfAny, readingState } from '../../runtime.ts'
import { findRotation } from '../../state/rotation.ts'
import { snapshotText } from '../../steps/snapshot.ts'
import { snapshotDocument, snapshotFacts, snapshotLines } from '../../views/snapshot.ts'
import { EXIT } from '../exit.ts'
import { progressTo } from '../report.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly to?: string
}

/** How long git may take to say whether it sees the file. */
const GIT_MS = 5_000

/** `keyturn snapshot list|show|export`: what rotations changed, for people. Only `export` opens values, and shows none. */
export async function run(session: Session, [what, rotation]: readonly string[], options: Options): Promise<number> {
  const manifest = await manifestOf(options)
  if (what === 'list') return list(session, manifest, options)
  if (what !== 'show' && what !== 'export') throw new KeyturnError('USAGE', `snapshot has no ${what}`, { hint: 'Write `keyturn snapshot list`, `keyturn snapshot show ROTATION` or `keyturn snapshot export ROTATION --to FILE`.' })
  if (rotation === undefined) throw new KeyturnError('USAGE', `\`snapshot ${what}\` needs the rotation`, { hint: '`keyturn snapshot list` names them.' })
  return what === 'show' ? show(session, manifest, rotation, options) : exportTo(session, manifest, rotation, options)
}

async function list({ runtime, terminal }: Session, manifest: Manifest, { json }: Options): Promise<number> {
  const state = await openStateIfAny(runtime, manifest)
  try {
    const held = state === undefined ? [] : await listSnapshots(state.db, manifest)
    if (json === true) terminal.out(JSON.stringify({ snapshots: held.map(snapshotDocument) }, null, 2))
    else for (const line of snapshotLines(held, Date.now(), terminal.paint)) terminal.out(line)
    return EXIT.done
  } finally {
    await state?.close()
  }
}

function show({ runtime, terminal }: Session, manifest: Manifest, named: string, { json }: Options): Promise<number> {
  return readingState(runtime, manifest, async (state) => {
    const row = await findRotation(state.db, named, manifest)
    const note = await readSnapshotNote(state.db, row)
    if (note === undefined) throw nothingHeld(row.id)
    const kept = (await listSnapshots(state.db, manifest)).find(({ rotation }) => rotation === row.id)
    if (json === true) terminal.out(JSON.stringify({ ...note, at: new Date(note.at).toISOString(), rotation: row.id, secret: row.secret, held: kept !== undefined, ...(kept === undefined ? {} : snapshotDocument(kept)) }, null, 2))
    else for (const line of snapshotFacts(row.id, note, kept, Date.now(), terminal.paint)) terminal.out(line)
    return EXIT.done
  })
}

/** The values go into a file that nobody else reads and that is not there yet; nothing of them is printed. */
async function exportTo({ runtime, terminal }: Session, manifest: Manifest, named: string, { to, json }: Options): Promise<number> {
  if (to === undefined) throw new KeyturnError('USAGE', '`snapshot export` needs --to', { hint: 'Name a new file outside of every git tree: `--to ~/old.json`. Values are never printed.' })
  const file = canonical(resolve(to))
  return withEngine(runtime, manifest, progressTo(terminal, true), async (engine) => {
    await refuseUnsafe(file, engine.state.folder)
    const row = await findRotation(engine.state.db, named, manifest)
    const { plan } = foldProgress((await readEvents(engine, row.id)).events)
    const [snapshot, note] = [await openSnapshot(engine, row, plan), await readSnapshotNote(engine.state.db, row)]
    if (snapshot === undefined || note === undefined) throw nothingHeld(row.id)
    const { before, after } = note
    const text = `${JSON.stringify({ rotation: row.id, secret: row.secret, before, after, stores: JSON.parse(snapshotText(snapshot)) as unknown }, null, 2)}\n`
    try {
      writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
    } catch (thrown) {
      const there = reduceCause(thrown).code === 'EEXIST'
      throw new KeyturnError('USAGE', `${file} ${there ? 'is there already' : 'cannot be written'}`, { hint: 'Name a new file in a folder that you may write.', cause: thrown })
    }
    if (json === true) terminal.out(JSON.stringify({ rotation: row.id, file }))
    else terminal.out(`Written, mode 600: ${file}\nIt holds values in the clear: delete it when it is no longer needed.`)
    return EXIT.done
  })
}

/** Values in the clear belong neither where git could take them along nor beside the sealed ones. */
async function refuseUnsafe(file: string, stateFolder: string): Promise<void> {
  const git = await gitState(file, { signal: AbortSignal.timeout(GIT_MS), deadline: Date.now() + GIT_MS })
  if (git !== 'outside') throw new KeyturnError('STORE_UNSAFE', `${file} lies in a git tree`, { hint: 'Name a file outside of every git tree.' })
  if (file.startsWith(canonical(stateFolder) + sep)) throw new KeyturnError('STORE_UNSAFE', `${file} lies in the state's folder`, { hint: 'Name a file elsewhere.' })
}

function nothingHeld(rotation: string): KeyturnError {
  return new KeyturnError('NOT_NOW', `${rotation} holds no snapshot`, { hint: '`keyturn snapshot list` names those that do. One is taken before the first change, unless `snapshots` is 0s, and wiped after its time.' })
}
