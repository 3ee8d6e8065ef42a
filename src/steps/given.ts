import { type Call, type Credential, type Fields, type IssuerTraits, KeyturnError, label, type Secret } from '../kit/index.ts'
import type { Plan } from '../plan/plan.ts'
import { overlaps } from '../plan/steps.ts'
import type { LedgerRow } from '../state/ledger.ts'
import type { Cast } from './cast.ts'
import { entriesFor, presentOf } from './entries.ts'
import { misshapen } from './shape.ts'
import { plainFields } from './values.ts'

/** What a value that a person gives is looked at with. */
export interface GivenFor {
  readonly plan: Plan
  readonly cast: Cast
  /** The credential in use. */
  readonly old: Credential
  /** The names that have to be there. */
  readonly wanted: readonly string[]
}

/**
 * The credential that fields given by a person stand for: all that is asked for and nothing else, of a shape that a slip of copying
 * does not have, not the one in use, of the manifest's principal, and read the same by every reader of every store.
 * Throws TASK_UNFIT, which names a field and never a value.
 */
export async function credentialOf(given: Fields, { plan, cast, old, wanted }: GivenFor, call: Call): Promise<Credential> {
  const plain = plainFields(plan.traits.fields)
  const missing = wanted.filter((name) => given[name] === undefined)
  const strange = Object.keys(given).filter((name) => !(name in plan.traits.fields))
  if (missing.length > 0) throw new KeyturnError('TASK_UNFIT', `${missing.join(', ')} is missing`)
  if (strange.length > 0) throw new KeyturnError('TASK_UNFIT', `there is no field ${strange.map(label).join(', ')}`)
  for (const [name, value] of Object.entries(given)) refuseShape(name, value, plain.has(name) ? undefined : old.fields[name])
  for (const [name, value] of Object.entries(given)) refuseMisshapen(name, value, plan.traits.shapes?.[name])
  refuseMixedUp(given, plain)
  const fields = cast.issuer.complete?.(given) ?? { ...cast.issuer.propose(old).fields, ...given }
  const id = cast.issuer.idOf(fields)
  if (id === undefined) throw new KeyturnError('TASK_UNFIT', 'it is a credential of another principal than the manifest names')
  if (overlaps(plan) && plan.traits.acceptor === 'issuer' && id === old.id) throw new KeyturnError('TASK_UNFIT', 'it has the id of the credential that is in use: another one is asked for')
  const credential = { id, fields }
  await refuseUnreadable(plan, cast, credential, call)
  return credential
}

function refuseShape(name: string, value: Secret, old: Secret | undefined): void {
  const text = value.reveal()
  if (text === '') throw new KeyturnError('TASK_UNFIT', `${name} is empty`)
  if (text !== text.trim()) throw new KeyturnError('TASK_UNFIT', `${name} begins or ends with white space, as when too much was copied`)
  if (value.equals(old)) throw new KeyturnError('TASK_UNFIT', `${name} is the value that is in use already`)
}

function refuseMisshapen(name: string, value: Secret, shape: NonNullable<IssuerTraits['shapes']>[string] | undefined): void {
  const fault = shape === undefined ? undefined : misshapen(shape, value.reveal())
  if (fault !== undefined) throw new KeyturnError('TASK_UNFIT', `a ${name} ${fault}, and this does not`, { hint: 'Copy the whole of it and nothing beside it, then answer again; nothing was written.' })
}

/** A value that was ended before is not taken for a new one, whoever copied it from where. Throws TASK_UNFIT. */
export function refuseEnded(ledger: readonly LedgerRow[], fingerprint: string): void {
  const ended = ledger.find((row) => row.fingerprint === fingerprint && (row.state === 'gone' || row.state === 'off'))
  if (ended !== undefined) throw new KeyturnError('TASK_UNFIT', `it is an old one, which was ended ${new Date(ended.at).toISOString()}`, { hint: 'Make a new one, and answer with that.' })
}

/** What is no secret is shown and journaled: a value that was typed there by a slip must not get that far (I11). */
function refuseMixedUp(given: Fields, plain: ReadonlySet<string>): void {
  const [shown, hidden] = [true, false].map((isPlain) => Object.entries(given).filter(([name]) => plain.has(name) === isPlain))
  for (const [name, value] of shown ?? []) {
    const held = (hidden ?? []).find(([, secret]) => value.reveal().includes(secret.reveal()))
    if (held !== undefined) throw new KeyturnError('TASK_UNFIT', `${name} holds what belongs into ${held[0]}`)
  }
}

async function refuseUnreadable(plan: Plan, cast: Cast, credential: Credential, call: Call): Promise<void> {
  for (const [index, store] of cast.stores.entries()) {
    const seen = await store.read(Object.keys(plan.stores[index]?.bind ?? {}), call)
    if (seen.is !== 'done') continue
    const readable = store.accepts(presentOf(entriesFor({ plan, values: { new: credential } }, index, { which: 'new' }, seen.value.entries)))
    if (readable.is === 'refused') throw new KeyturnError('TASK_UNFIT', readable.about ?? 'not every reader of the store would read it the same')
  }
}
