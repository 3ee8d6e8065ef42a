import { readFileSync } from 'node:fs'
import { type Audit, exportCheckpoint, type Outside, type SignedCheckpoint, verifyAbsence, verifyState } from '../../proof/audit.ts'
import { type SignedReceipt, verifyReceipt } from '../../proof/receipt.ts'
import { KeyturnError } from '../../kit/index.ts'
import { auditLines, receiptLines } from '../../views/audit.ts'
import { EXIT } from '../exit.ts'
import { writeOut } from '../out.ts'
import type { Manifest } from '../../manifest/model.ts'
import { openStateFor, openStateIfAny, placeFor, type Runtime } from '../../runtime.ts'
import { readReceiptFiles } from '../../proof/receipts.ts'
import { type CommonOptions, manifestOf, type Session } from '../session.ts'

interface Options extends CommonOptions {
  readonly receipt?: string
  readonly key?: string
  readonly checkpoint?: string
  readonly out?: string
}

/** `keyturn audit verify|export`. A receipt verifies without manifest or state: only the file is needed. */
export async function run(session: Session, [what]: readonly string[], options: Options): Promise<number> {
  const key = options.key === undefined ? undefined : readText(options.key)
  if (what === 'export') return runExport(session, options)
  if (what !== 'verify') throw new KeyturnError('USAGE', `audit has no ${what}`, { hint: 'Write `keyturn audit verify` or `keyturn audit export`.' })
  if (options.receipt !== undefined) {
    const signed = readJson<SignedReceipt>(options.receipt)
    const receipt = verifyReceipt(signed, key)
    if (options.json === true) session.terminal.out(JSON.stringify({ verified: true, receipt }, null, 2))
    else for (const line of receiptLines(receipt, { key: signed.publicKey, trusted: key !== undefined }, session.terminal.paint)) session.terminal.out(line)
    return EXIT.done
  }
  const checkpoint = options.checkpoint === undefined ? undefined : readJson<SignedCheckpoint>(options.checkpoint)
  const audit = await verify(session.runtime, await manifestOf(options), { ...(checkpoint === undefined ? {} : { checkpoint }), ...(key === undefined ? {} : { key }) })
  if (options.json === true) session.terminal.out(JSON.stringify(audit, null, 2))
  else for (const line of auditLines(audit, session.terminal.paint)) session.terminal.out(line)
  return audit.problems.length === 0 ? EXIT.done : EXIT.error
}

/** Before the first rotation there is no state, which is fine as long as nothing outside of it knows of one. */
async function verify(runtime: Runtime, manifest: Manifest, outside: Outside): Promise<Audit> {
  const state = await openStateIfAny(runtime, manifest)
  if (state === undefined) {
    const place = await placeFor(runtime, manifest)
    return verifyAbsence(typeof place === 'string' ? readReceiptFiles(place) : [], outside)
  }
  try {
    return await verifyState(state, outside)
  } finally {
    await state.close()
  }
}

async function runExport(session: Session, options: Options): Promise<number> {
  const { state } = await openStateFor(session.runtime, await manifestOf(options))
  try {
    const text = `${JSON.stringify(await exportCheckpoint(state, Date.now()), null, 2)}\n`
    if (options.out === undefined) session.terminal.out(text.trimEnd())
    else writeOut(options.out, text)
    return EXIT.done
  } finally {
    await state.close()
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} cannot be read`, { hint: 'Name a file that is there and that you may read.', cause: thrown })
  }
}

function readJson<T>(file: string): T {
  const text = readText(file)
  try {
    return JSON.parse(text) as T
  } catch (thrown) {
    throw new KeyturnError('USAGE', `${file} is no JSON`, { hint: 'Receipts and checkpoints are JSON files; see docs/receipts.md.', cause: thrown })
  }
}
