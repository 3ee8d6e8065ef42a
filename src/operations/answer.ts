import { type Call, type Credential, type Fields, KeyturnError, label } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { LedgerChange } from '../state/journal.ts'
import { type Cast, openCast } from '../steps/cast.ts'
import type { Engine } from '../engine/engine.ts'
import { credentialOf } from '../steps/given.ts'
import { inJournal } from '../engine/in-journal.ts'
import { ledgerChanges } from '../engine/ledger-changes.ts'
import { nameOf } from '../journal/name.ts'
import type { Progress } from '../journal/progress.ts'
import { stepOf } from '../journal/steps.ts'
import type { Recorder } from '../engine/recorder.ts'
import { plainFields, secretFields, Values } from '../steps/values.ts'

/** How long looking at an answer may take. */
const LOOK_MS = 15_000

/** The task at hand of a rotation. */
export type OpenTask = NonNullable<Progress['asked']>

/**
 * A person did what was asked. For a mint `fields` are the credential's: looked at at once (shape, not the old one, read the same by
 * every reader, not rejected by the issuer), sealed, and proven by the steps that follow. Throws TASK_UNFIT for an answer that cannot
 * be right, with nothing written; NOT_NOW when nothing is asked; LOCKED while another run holds the rotation.
 */
export async function answerTask(engine: Engine, rotation: string, fields: Fields = {}): Promise<void> {
  await withTask(engine, rotation, async (recorder, asked) => {
    const event = { type: 'task-answered', step: asked.step, attempt: asked.attempt, by: engine.by } as const
    // Of a word alone nothing is looked at here: what it is about is proven by the steps that follow, or stands in the journal.
    if (asked.task.kind !== 'mint') {
      if (Object.keys(fields).length > 0) throw new KeyturnError('TASK_UNFIT', 'this task asks for no value')
      await recorder.write(event, { ledger: await ledgerOfWord(engine, rotation, recorder, asked) })
      return
    }
    const { plan } = recorder.progress
    const host = engine.host(plan.base)
    const values = await Values.open(engine, rotation, plan, host)
    const cast = await openCast(plan, engine.registry, host)
    try {
      const credential = await examine(engine, recorder, { asked, cast, values }, fields)
      const ledger = ledgerOf(plan, asked, values, { old: values.old, new: credential })
      await recorder.write({ ...event, id: nameOf(credential.id) }, { sealed: { new: await values.seal('new', credential) }, ledger })
    } finally {
      await cast.close()
    }
  })
}

/** What an answer changes in the ledger: the same as the step itself would. */
function ledgerOf(plan: Plan, { step }: OpenTask, values: Values, known: { readonly old?: Credential | undefined; readonly new?: Credential | undefined }): LedgerChange[] {
  const plain = plainFields(plan.traits.fields)
  return ledgerChanges(plan, stepOf(plan, step), 'step-done', (which) => {
    const credential = known[which]
    return credential === undefined ? undefined : { credential, fingerprint: values.fingerprint(credential, plain) }
  })
}

/** The same for a word alone. Only one about a credential's state changes anything; for all others no identity is needed. */
async function ledgerOfWord(engine: Engine, rotation: string, { progress: { plan } }: Recorder, asked: OpenTask): Promise<LedgerChange[]> {
  if (asked.task.kind === 'prepare' || stepOf(plan, asked.step).do !== 'set') return []
  const values = await Values.open(engine, rotation, plan, engine.host(plan.base))
  return ledgerOf(plan, asked, values, values)
}

/** A person will not do what was asked, and says why. Throws NOT_NOW when nothing is asked. */
export async function declineTask(engine: Engine, rotation: string, reason: string): Promise<void> {
  await withTask(engine, rotation, async (recorder, asked) => {
    await recorder.write({ type: 'task-declined', step: asked.step, attempt: asked.attempt, by: engine.by, reason })
  })
}

function withTask(engine: Engine, rotation: string, body: (recorder: Recorder, asked: OpenTask) => Promise<void>): Promise<void> {
  return inJournal(engine, rotation, (recorder) => {
    const { asked } = recorder.progress
    if (asked === undefined) throw new KeyturnError('NOT_NOW', `${rotation} asks nothing of anybody`)
    return body(recorder, asked)
  })
}

/** The credential that an answer stands for; one that the issuer rejects right now is none. */
async function examine(engine: Engine, recorder: Recorder, held: { readonly asked: OpenTask; readonly cast: Cast; readonly values: Values }, fields: Fields): Promise<Credential> {
  const { asked, cast, values } = held
  const { plan } = recorder.progress
  if (values.old === undefined) throw new KeyturnError('INTERNAL', 'the credential in use is not known')
  const wanted = asked.task.fields ?? secretFields(plan.traits.fields)
  const call: Call = { signal: AbortSignal.timeout(LOOK_MS), deadline: engine.now() + LOOK_MS, fence: 0 }
  const credential = await credentialOf(fields, { plan, cast, old: values.old, wanted }, call)
  if (plan.traits.acceptor !== 'issuer') return credential
  for (const endpoint of plan.endpoints) {
    const verdict = await cast.issuer.probe(credential, endpoint, call)
    if (verdict.is === 'done' && verdict.value.verdict === 'rejected') throw new KeyturnError('TASK_UNFIT', `${endpoint} rejects it (${label(verdict.value.code)})`)
  }
  return credential
}
