import { createHash, createPublicKey, sign, verify } from 'node:crypto'
import type { TimedEvent } from '../journal/event.ts'
import { exposureOf } from '../journal/forgotten.ts'
import type { Progress } from '../journal/progress.ts'
import { stepOf } from '../journal/steps.ts'
import { type Evidence, KeyturnError, type TaskRequest } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import type { Step } from '../plan/step.ts'
import { isDual, overlaps } from '../plan/steps.ts'
import type { Identity } from '../sealing/identity.ts'

/** What was proven, for an auditor: fingerprints and the servers' own words, never a value. */
export interface Receipt {
  readonly format: 'keyturn-receipt/1'
  readonly rotation: string
  readonly system: string
  readonly environment: string
  readonly secret: string
  /** The rotation that this one took back; absent when it took back none. */
  readonly takesBack?: string
  readonly strategy: string
  readonly principal: string
  readonly result: 'done' | 'rolled-back'
  readonly by: string
  readonly reason: string
  readonly opened: string
  readonly closed: string
  readonly keyturn: string
  /** The credential in use at the end. */
  readonly inUse: { readonly id: string; readonly fingerprint: string }
  /** The other one, which was ended; absent where this provider ends none on request. */
  readonly ended?: { readonly id: string; readonly fingerprint: string }
  /** The other one, where it was not ended: out of use, and accepted for as long as the provider likes. */
  readonly left?: { readonly id: string; readonly fingerprint: string }
  /** The last pair of probes: `credential refused` is what it says, no more. Of the one in use alone where none was ended. */
  readonly proof: Evidence
  /** By consumer: what each instance proved, and how. */
  readonly attested: Readonly<Record<string, Evidence>>
  /** What people answered for in place of a proof; absent when nobody had to. */
  readonly acknowledged?: readonly { readonly what: string; readonly by: string; readonly reason: string; readonly at: string }[]
  /** What people were asked and did; absent when nobody was asked. */
  readonly answered?: readonly { readonly step: string; readonly kind: TaskRequest['kind']; readonly title: string; readonly by: string; readonly at: string }[]
  /** Outside receivers that took the value, and who says so; absent when there were none. */
  readonly received?: readonly { readonly step: string; readonly receiver: string; readonly by: string; readonly at: string }[]
  /** Present where the secret was taken for compromised. */
  readonly emergency?: {
    readonly order: 'forget-first' | 'mint-first'
    readonly incident: string
    /** From the decision to the first proof that everything live of it was rejected, ms, measured; null where that was not proven. */
    readonly exposureMs: number | null
    /** What was ended beside `ended`: of the rotation whose place it took, or of the ledger. */
    readonly inherited: readonly { readonly id: string; readonly fingerprint?: string }[]
    readonly superseded?: string
  }
  readonly stores: readonly string[]
  /** How long new logins with the value in the stores could fail, measured; 0 with an overlap. Milliseconds. */
  readonly gapMs: number
  /**
   * Access derived from the ended credential that may live on, milliseconds; 0 when its sessions were ended, null when they were not
   * (one slot: who is logged in with the old value stays so until it logs in again).
   */
  readonly derivedLifeMs: number | null
  /** Every step with its time, in order. */
  readonly steps: readonly { readonly step: string; readonly at: string; readonly outcome: string }[]
  /** Head of the journal's chain when this was written. */
  readonly chain: { readonly seq: number; readonly head: string }
}

export interface SignedReceipt {
  readonly receipt: Receipt
  readonly publicKey: string
  /** Ed25519 over the canonical JSON of `receipt`: keys sorted, no white space. Base64. */
  readonly signature: string
}

/** JSON with keys sorted by their code points and no white space: what `jq -cS` prints. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  // Not by sorting an object: JavaScript puts keys that are numbers before all others, whatever their order was.
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join()}}`
}

/** Makes the receipt of a rotation from its journal alone. */
export function makeReceipt(
  rotation: string,
  events: readonly TimedEvent[],
  progress: Progress,
  { inUse, other }: { readonly inUse: Receipt['inUse']; readonly other: Receipt['inUse'] },
  chain: Receipt['chain'],
  now: number,
): Receipt {
  const { plan } = progress
  const opened = events.find((event) => event.type === 'rotation-opened')
  const seen = (word: 'prove' | 'probe'): Evidence | undefined => [...progress.done].findLast(([id]) => stepOf(plan, id).do === word)?.[1].evidence
  return {
    format: 'keyturn-receipt/1',
    rotation,
    system: plan.system,
    environment: plan.environment,
    secret: plan.secret,
    ...(plan.takesBack === undefined ? {} : { takesBack: plan.takesBack }),
    strategy: plan.strategy,
    principal: plan.principal,
    result: progress.direction === 'forward' ? 'done' : 'rolled-back',
    by: opened?.by ?? '',
    reason: opened?.reason ?? '',
    opened: new Date(progress.openedAt).toISOString(),
    closed: new Date(now).toISOString(),
    keyturn: opened?.version ?? '',
    inUse,
    ...(overlaps(plan) && !isDual(plan) && plan.traits.ends.length === 0 && plan.emergency === undefined ? { left: other } : { ended: other }),
    proof: seen('prove') ?? seen('probe') ?? {},
    attested: attestations(progress),
    ...acknowledgements(events),
    ...answers(events),
    ...receipts(events),
    ...emergencyOf(progress),
    stores: plan.stores.map((store) => store.title),
    gapMs: gapOf(progress, events, now),
    // Where the consumers accept, the key was forgotten when all that it signed had run out.
    derivedLifeMs: plan.traits.derivedLife ?? (plan.traits.ends.length > 0 || isDual(plan) ? 0 : null),
    steps: events.flatMap((event) => ('step' in event ? [{ step: event.step, at: new Date(event.at).toISOString(), outcome: event.type }] : [])),
    chain,
  }
}

function emergencyOf(progress: Progress): Pick<Receipt, 'emergency'> {
  const { emergency } = progress.plan
  const exposure = exposureOf(progress)
  if (emergency === undefined || exposure === undefined) return {}
  const { order, incident, inherits, supersedes } = emergency
  const inherited = inherits.map(({ id, fingerprint }) => ({ id, ...(fingerprint === undefined ? {} : { fingerprint }) }))
  return { emergency: { order, incident, exposureMs: exposure.until === undefined ? null : exposure.until - exposure.from, inherited, ...(supersedes === undefined ? {} : { superseded: supersedes }) } }
}

function acknowledgements(events: readonly TimedEvent[]): Pick<Receipt, 'acknowledged'> {
  const said = events.flatMap((event) => (event.type === 'acknowledged' ? [{ what: event.what, by: event.by, reason: event.reason, at: new Date(event.at).toISOString() }] : []))
  const acknowledged = [...shownInArgv(events), ...said]
  return acknowledged.length === 0 ? {} : { acknowledged }
}

/** Who wrote the manifest has answered for it; who opened a rotation with it does so again. */
function shownInArgv(events: readonly TimedEvent[]): NonNullable<Receipt['acknowledged']> {
  const shown = events.find((event) => event.type === 'step-done' && event.evidence['argv'] === 'acknowledged')
  const by = events.find((event) => event.type === 'rotation-opened')?.by ?? ''
  return shown === undefined ? [] : [{ what: 'argv', by, reason: 'the manifest says `argv: acknowledged`: a command line shows the value while it runs', at: new Date(shown.at).toISOString() }]
}

function answers(events: readonly TimedEvent[]): Pick<Receipt, 'answered'> {
  const answered = events.flatMap((event, index) => {
    if (event.type !== 'task-answered') return []
    const asked = events.slice(0, index).findLast((each) => each.type === 'step-asked' && each.step === event.step)
    if (asked?.type !== 'step-asked') return []
    const { kind, title } = asked.task
    return [{ step: event.step, kind, title, by: event.by, at: new Date(event.at).toISOString() }]
  })
  return answered.length === 0 ? {} : { answered }
}

function receipts(events: readonly TimedEvent[]): Pick<Receipt, 'received'> {
  const received = events.flatMap((event) => (event.type === 'receiver-acknowledged' ? [{ step: event.step, receiver: event.receiver, by: event.by, at: new Date(event.at).toISOString() }] : []))
  return received.length === 0 ? {} : { received }
}

function attestations(progress: Progress): Record<string, Evidence> {
  const back = progress.direction === 'back' ? 'back:' : ''
  const found: Record<string, Evidence> = {}
  for (const [wave, consumers] of progress.plan.waves.entries()) {
    for (const [index, consumer] of consumers.entries()) {
      const ids = isDual(progress.plan) ? [`${back}forget:attest:${wave}.${index}`] : [`${back}settle:attest:${wave}.${index}`, `${back}attest:${wave}.${index}`]
      const evidence = ids.map((id) => progress.done.get(id)?.evidence).find((seen) => seen !== undefined)
      if (evidence !== undefined) found[consumer.title] = evidence
    }
  }
  return found
}

/**
 * From the moment the old value may have died to the moment the last consumer held the one that stays; 0 when they overlapped.
 * It begins with the intent: the outcome of a run that was killed is only known long after the effect.
 */
function gapOf(progress: Progress, events: readonly TimedEvent[], now: number): number {
  const { plan } = progress
  const cut = plan.emergency?.order === 'forget-first' ? events.find((event) => event.type === 'intent-recorded' && stepOf(plan, event.step).do === 'forget')?.at : undefined
  if (overlaps(plan) && cut === undefined) return 0
  const began = cut ?? mintBegan(plan, events)
  if (began === undefined) return 0
  const steps = progress.direction === 'forward' ? plan.steps : plan.back
  const doneAt = (kind: Step['do']): number[] => steps.filter((step) => step.do === kind).flatMap((step) => progress.done.get(step.id)?.at ?? [])
  const ends = [doneAt('attest'), doneAt('publish'), doneAt('mint')].find((times) => times.length > 0) ?? [now]
  return Math.max(...ends) - began
}

/** When the first mint was intended that was not refused. */
function mintBegan(plan: Plan, events: readonly TimedEvent[]): number | undefined {
  const mint = plan.steps.find((step) => step.do === 'mint')?.id
  let began: { readonly at: number; readonly attempt: number } | undefined
  for (const event of events) {
    if (!('step' in event) || event.step !== mint) continue
    if (event.type === 'intent-recorded') began ??= { at: event.at, attempt: event.attempt }
    else if (hadNoEffect(event) && event.attempt === began?.attempt) began = undefined
  }
  return began?.at
}

/** A person who is asked to do it may have done it any time since; one who declines has not. */
function hadNoEffect(event: TimedEvent): event is TimedEvent & { type: 'step-refused' | 'task-declined' | 'step-asked' } {
  return event.type === 'step-refused' || event.type === 'task-declined' || (event.type === 'step-asked' && event.task.kind !== 'mint')
}

/** Signs it. */
export function signReceipt(receipt: Receipt, identity: Identity): SignedReceipt {
  return { receipt, publicKey: identity.publicKey, signature: sign(null, Buffer.from(canonicalJson(receipt)), identity.signingKey).toString('base64') }
}

/** How a receipt is kept: JSON with line breaks, whose bytes nobody signs. */
export function receiptText(signed: SignedReceipt): string {
  return `${JSON.stringify(signed, null, 2)}\n`
}

/**
 * Verifies a receipt offline. `trusted` is the public key that the reader already has; without it only the receipt's own key is
 * used, which shows that it was not changed, not who wrote it. Throws RECEIPT_INVALID.
 */
export function verifyReceipt(signed: SignedReceipt, trusted?: string): Receipt {
  if (trusted !== undefined && String(signed.publicKey).trim() !== trusted.trim()) throw new KeyturnError('RECEIPT_INVALID', 'it was signed by another identity')
  if (!isSigned(signed, signed.receipt)) throw new KeyturnError('RECEIPT_INVALID', 'the signature is not over this text')
  return signed.receipt
}

/** Whether the signature is over this body, by the trusted key where one is given. False for what cannot be read. */
export function isSigned(signed: { readonly publicKey: string; readonly signature: string }, body: unknown, trusted?: string): boolean {
  try {
    if (trusted !== undefined && signed.publicKey.trim() !== trusted.trim()) return false
    const signature = Buffer.from(signed.signature, 'base64')
    // Base64 has several spellings of one signature; only ours counts.
    return signature.toString('base64') === signed.signature && verify(null, Buffer.from(canonicalJson(body)), createPublicKey(signed.publicKey), signature)
  } catch {
    return false
  }
}

/** A short name for a public key: the first 16 hex digits of its SHA-256. */
export function keyName(publicKey: string): string {
  return createHash('sha256').update(createPublicKey(publicKey).export({ format: 'der', type: 'spki' })).digest('hex').slice(0, 16)
}
