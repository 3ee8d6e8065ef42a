/**
 * keyturn as a library: the operations of the CLI as functions.
 *
 * ```ts
 * import { createRuntime, loadManifest, plan, rotate } from 'keyturn'
 * const manifest = await loadManifest('keyturn.yaml')
 * const outcome = await rotate(createRuntime(), manifest, 'database', { wait: true })
 * ```
 */
import { registry } from './connectors.gen.ts'
import type { Secret } from './kit/index.ts'
import { loadManifest as load } from './yaml/load.ts'
import type { Manifest } from './manifest/model.ts'
import type { Runtime } from './runtime.ts'

/** Loads and validates a manifest. Throws MANIFEST_INVALID with every problem and its place. */
export function loadManifest(file: string): Promise<Manifest> {
  return load(file, { registry })
}

/** A runtime of this process; each part can be replaced. `conceal` should mask the value in the caller's own logs, `notice` show people its text. */
export function createRuntime(options: { readonly env?: NodeJS.ProcessEnv; readonly interrupt?: AbortSignal; readonly conceal?: (secret: Secret) => void; readonly notice?: (text: string) => void } = {}): Runtime {
  return { env: options.env ?? process.env, interrupt: options.interrupt ?? new AbortController().signal, conceal: options.conceal ?? (() => undefined), notice: options.notice ?? (() => undefined) }
}

export type { Adopted } from './operations/adopt.ts'
export { type Audit, exportCheckpoint, type SignedCheckpoint, verifyState } from './proof/audit.ts'
export type { Stopped } from './engine/drive.ts'
export type { TimedEvent } from './journal/event.ts'
export type { Progress } from './journal/progress.ts'
export { type Receipt, type SignedReceipt, verifyReceipt } from './proof/receipt.ts'
export { KeyturnError, Secret } from './kit/index.ts'
export type { Manifest, SecretSpec } from './manifest/model.ts'
export { emergency, type EmergencyOptions, type EmergencyOutcome } from './operations/emergency.ts'
export { answerQuestion, closeAnswered, incidents, showIncident } from './operations/incident.ts'
export { adopt } from './operations/adopt.ts'
export { type CampaignOptions, resumeCampaign, rotateSeveral, type Selection, selectSecrets } from './operations/campaign.ts'
export type { CampaignOutcome, MemberOutcome } from './operations/carry.ts'
export type { Outcome, RunOptions, Watcher } from './operations/follow.ts'
export { plan, resume, rotate, type RotateOptions, turnBack } from './operations/rotate.ts'
export { rollback, type RollbackOptions, type RolledBack } from './operations/rollback.ts'
export { type OpenRotation, status } from './operations/status.ts'
export { outbox, tryNotifier, undelivered, type Undelivered } from './operations/notify.ts'
export type { Plan } from './plan/plan.ts'
export { Redactor } from './redact/redact.ts'
export { answer, decline, type Task, taskOf, tasks } from './operations/tasks.ts'
export { endPause, pause, pausedBy } from './operations/pause.ts'
export { openStateToRead, type Runtime } from './runtime.ts'
