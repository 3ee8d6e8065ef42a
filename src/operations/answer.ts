import { type Call, type Credential, type Fields, KeyturnError, label } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { LedgerChange } from '../state/journal.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { type Cast, openCast } from '../steps/cast.ts'
import type { Engine } from '../engine/engine.ts'
import { credentialOf, refuseEnded } from '../steps/given.ts'
import { inJournal } from '../engine/in-journal.ts'
import { ledgerChanges } from '../journal/ledger-changes.ts'
import { noSuchReceiver } from './hand-over.ts'
import { nameOf } from '../journal/name.ts'
import type { Progress } from '../journal/progress.ts'
import { wasHanded } from '../journal/receivers.ts'
import { stepOf } from '../journal/steps.ts'
import type { Recorder } from '../engine/recorder.ts'
import { plainFields, secretFields, Values } from '../steps/values.ts'

/** How long looking at an answer may take. */
const LOOK_MS = 15_000

/** The task at hand of a rotation. */
export type OpenTask = NonNullable<Progress['asked']>

/**
 * A person did what was asked. For a mint `fields` are the credential's: looked at at once (shape, not the old one, read the same by
 * every reader, never ended before, not rejected by the issuer), sealed, and proven by the steps that follow. Throws TASK_UNFIT for an answer that cannot
 * be right, with nothing written. Where outside receivers are asked for, `receivers` are those that have taken the value; NOT_NOW when nothing is asked; LOCKED while another run holds the rotation.
 */
export async function answerTask(engine: Engine, rotation: string, fields: Fields = {}, receivers: readonly string[] = []): Promise<void> {
  await withTask(engine, rotation, async (recorder, asked) => {
    if (asked.task.receivers !== undefined || receivers.length > 0) return acknowledgeReceivers(engine, recorder, asked, fields, receivers)
    const event = { type: 'task-answered', step: asked.step, attempt: asked.attempt, by: engine.by } as const
    // Of a word alone only an end can be looked at here: the rest is proven by the steps that follow, or stands in the journal.
    if (asked.task.kind !== 'mint') {
      if (Object.keys(fields).length > 0) throw new KeyturnError('TASK_UNFIT', 'this task asks for no value')
      await refuseAlive(engine, rotation, recorder, asked)
      await recorder.write(event, { ledger: await ledgerOfWord(engine, rotation, recorder, asked) })
      return
    }
    const { plan } = recorder.progress
    const host = engine.host(plan.base)
    const values = await Values.open(engine, rotation, plan, host)
    const cast = await openCast(plan, engine.registry, host)
    try {
      const { credential, unproven } = await examine(engine, recorder, { asked, cast, values }, fields)
      const ledger = ledgerOf(plan, asked, values, { old: values.old, new: credential })
      await recorder.write({ ...event, id: nameOf(credential.id), ...(unproven.length === 0 ? {} : { unproven }) }, { sealed: { new: await values.seal('new', credential) }, ledger })
    } finally {
      await cast.close()
    }
  })
}

/** Each by its own name, and none that was never handed the value: nobody else has it. */
async function acknowledgeReceivers(engine: Engine, recorder: Recorder, { task, step, attempt }: OpenTask, fields: Fields, names: readonly string[]): Promise<void> {
  const open = task.receivers ?? []
  if (open.length === 0) throw new KeyturnError('TASK_UNFIT', 'this task asks for no receivers')
  if (Object.keys(fields).length > 0) throw new KeyturnError('TASK_UNFIT', 'this task asks for no value')
  if (names.length === 0) throw new KeyturnError('TASK_UNFIT', `each receiver is answered for by itself: ${open.join(', ')}`, { hint: 'Write `keyturn task answer ROTATION --receiver NAME`.' })
  const { direction, plan } = recorder.progress
  for (const name of names) {
    if (!open.includes(name)) throw noSuchReceiver(name, open)
    // The old value it had before: it may still have it.
    if (direction === 'forward' && !wasHanded(recorder.progress, stepOf(plan, step), name)) {
      throw new KeyturnError('TASK_UNFIT', `the value was never handed over to ${name}`, { hint: 'Take it out first: `keyturn task show ROTATION --hand-over NAME`.' })
    }
  }
  for (const receiver of new Set(names)) await recorder.write({ type: 'receiver-acknowledged', step, attempt, receiver, by: engine.by })
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
  if (asked.task.kind === 'prepare' || !['set', 'forget'].includes(stepOf(plan, asked.step).do)) return []
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

/**
 * The credential that an answer stands for; one that the issuer rejects right now is none, nor is one that was ended before. Which
 * endpoints gave no verdict is answered with it: they are asked again by the steps that follow.
 */
async function examine(engine: Engine, recorder: Recorder, held: { readonly asked: OpenTask; readonly cast: Cast; readonly values: Values }, fields: Fields): Promise<{ readonly credential: Credential; readonly unproven: readonly string[] }> {
  const { asked, cast, values } = held
  const { plan } = recorder.progress
  if (values.old === undefined) throw new KeyturnError('INTERNAL', 'the credential in use is not known')
  const wanted = asked.task.fields ?? secretFields(plan.traits.fields)
  const call = lookCall(engine)
  const credential = await credentialOf(fields, { plan, cast, old: values.old, wanted }, call)
  refuseEnded(await readLedger(engine.state.db, secretKey(plan.system, plan.environment, plan.secret)), values.fingerprint(credential, plainFields(plan.traits.fields)))
  const unproven: string[] = []
  if (plan.traits.acceptor !== 'issuer') return { credential, unproven }
  for (const endpoint of plan.endpoints) {
    const seen = await cast.issuer.probe(credential, endpoint, call)
    if (seen.is === 'done' && seen.value.verdict === 'rejected') {
      throw new KeyturnError('TASK_UNFIT', `${endpoint} rejects it (${label(seen.value.code)})`, { hint: 'See that it is the new one, whole, and of this provider and account; if it was made just now, answer again in a minute. Nothing was written.' })
    }
    if (seen.is !== 'done' || seen.value.verdict !== 'accepted') unproven.push(`${label(endpoint)} (${label(seen.is === 'done' ? seen.value.code : seen.is === 'ask' ? 'NOT_NOW' : seen.code)})`)
  }
  return { credential, unproven }
}

/** Who says that a credential is ended is told where it is still accepted, while the page is open before them; doubt is for the proof that follows. */
async function refuseAlive(engine: Engine, rotation: string, { progress: { plan } }: Recorder, asked: OpenTask): Promise<void> {
  const step = stepOf(plan, asked.step)
  if (asked.task.kind !== 'end' || step.do !== 'set' || plan.traits.acceptor !== 'issuer') return
  const host = engine.host(plan.base)
  const credential = (await Values.open(engine, rotation, plan, host))[step.which]
  if (credential === undefined) return
  const cast = await openCast(plan, engine.registry, host)
  const until = engine.now() + Math.min(plan.traits.settle, LOOK_MS / 2)
  const call = lookCall(engine)
  try {
    for (const endpoint of plan.endpoints) {
      const accepts = async (): Promise<boolean> => {
        const seen = await cast.issuer.probe(credential, endpoint, call)
        return seen.is === 'done' && seen.value.verdict === 'accepted'
      }
      // A provider may take a while until it is ended everywhere.
      while (await accepts()) {
        if (engine.now() >= until) throw new KeyturnError('TASK_UNFIT', `${endpoint} still accepts ${nameOf(credential.id)}`, { hint: 'End it, wait until the provider has it everywhere, then answer again; nothing was written.' })
        await engine.sleep(Math.min(1_000, Math.max(1, until - engine.now())), call.signal)
      }
    }
  } finally {
    await cast.close()
  }
}

function lookCall(engine: Engine): Call {
  return { signal: AbortSignal.timeout(LOOK_MS), deadline: engine.now() + LOOK_MS, fence: 0 }
}
