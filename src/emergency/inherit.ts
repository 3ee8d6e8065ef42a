import type { Engine } from '../engine/engine.ts'
import { inheritedKey } from '../journal/forgotten.ts'
import { foldProgress, type Progress } from '../journal/progress.ts'
import { readEvents } from '../journal/read.ts'
import { stepOf } from '../journal/steps.ts'
import { type Credential, KeyturnError, type Ms } from '../kit/index.ts'
import type { Inherited, Plan } from '../plan/plan.ts'
import { type LedgerRow, readLedger, secretKey } from '../state/ledger.ts'
import { plainFields, Values } from '../steps/values.ts'

/** A live credential of the secret, with its value where it is known. */
export interface Live {
  readonly id: string
  readonly fingerprint?: string
  readonly credential?: Credential
}

/** What an open rotation leaves to the emergency that takes its place. */
export interface Left {
  readonly live: readonly Live[]
  /** Rotations whose tags lost mints carry. */
  readonly tags: readonly string[]
  /** How long an effect of it may still land, ms. */
  readonly late: Ms
  /** The values of it that are sealed, by name; with them they are wiped. */
  readonly sealed: readonly string[]
}

/** Opens what a rotation has sealed and says what it leaves. Throws what keeps its values from being opened. */
export async function leftBy(engine: Engine, rotation: string, progress: Progress): Promise<Left> {
  const { plan } = progress
  const values = await Values.open(engine, rotation, plan, engine.host(plan.base))
  const plain = plainFields(plan.traits.fields)
  const known = [values.old, values.new, ...values.inherited.values()].flatMap((credential) => (credential === undefined ? [] : [{ id: credential.id, credential, fingerprint: values.fingerprint(credential, plain) }]))
  const { current, emergency } = plan
  return {
    live: [...known, ...(current === undefined ? [] : [current]), ...(emergency?.inherits ?? []).map(({ id, fingerprint }) => ({ id, ...(fingerprint === undefined ? {} : { fingerprint }) }))],
    tags: [...new Set([rotation, ...(emergency?.tags ?? [])])],
    late: lateOf(engine, progress),
    sealed: ['new', 'old', ...(emergency?.inherits ?? []).flatMap(({ name }) => name ?? [])],
  }
}

/** An effect of which no outcome is known may still land until its deadline and the settling time are over; behind a fence it cannot. */
function lateOf(engine: Pick<Engine, 'now' | 'state'>, { open, plan, done }: Progress): Ms {
  if (open === undefined) return 0
  const { do: kind } = stepOf(plan, open.step)
  const fenced = (kind === 'mint' || kind === 'set' || kind === 'forget') && (done.get('preflight')?.evidence['fenced'] ?? plan.summary.fenced) === true
  return fenced ? 0 : Math.max(0, open.deadline + plan.traits.settle + (open.ownerGone ? 0 : engine.state.skew) - engine.now())
}

/**
 * What the ledger still has of the secret beside the one in use, which is known, and what an open rotation has, which is opened later:
 * everything that is not gone, with its value where a rotation has kept it.
 */
export async function inLedger(engine: Engine, of: Pick<Plan, 'system' | 'environment' | 'secret'>, known: { readonly current: Required<Pick<Live, 'id' | 'fingerprint'>>; readonly open?: string | undefined }): Promise<Live[]> {
  const rows = await readLedger(engine.state.db, secretKey(of.system, of.environment, of.secret))
  const isKnown = (row: LedgerRow): boolean => row.rotation === known.open || (row.provider_id === known.current.id && row.fingerprint === known.current.fingerprint)
  return Promise.all(rows.filter((row) => row.state !== 'gone' && !isKnown(row)).map(async (row) => ({ id: row.provider_id, fingerprint: row.fingerprint, ...(await valueOf(engine, row)) })))
}

/** Of a credential that a rotation brought the value is sealed there as its new one. None for what was adopted. */
async function valueOf(engine: Engine, { rotation, provider_id: id, fingerprint }: LedgerRow): Promise<Pick<Live, 'credential'>> {
  if (rotation.startsWith('note:')) return {}
  try {
    const { plan } = foldProgress((await readEvents(engine, rotation)).events)
    const values = await Values.open(engine, rotation, plan, engine.host(plan.base))
    const plain = plainFields(plan.traits.fields)
    const credential = [values.new, values.old].find((each) => each?.id === id && values.fingerprint(each, plain) === fingerprint)
    return credential === undefined ? {} : { credential }
  } catch (thrown) {
    // Without its value it is ended by its id, and what the provider lists is the proof.
    if (thrown instanceof KeyturnError) return {}
    throw thrown
  }
}

/** Those of them that are not the one in use, each once, under the names of the plan; first those whose value is known. */
export function inheritedOf(live: readonly Live[], current: Live): { readonly inherits: readonly Inherited[]; readonly values: ReadonlyMap<string, Credential> } {
  const values = new Map<string, Credential>()
  const inherits: Inherited[] = []
  const seen = new Set([nameIn(current)])
  // A row of before there was an identity, or a plan's, may have an id alone: that one is known under its value.
  const ids = new Set([current.id])
  for (const { id, fingerprint, credential } of [...live].sort((a, b) => Number(b.credential !== undefined) - Number(a.credential !== undefined))) {
    if (seen.has(nameIn({ id, ...(fingerprint === undefined ? {} : { fingerprint }) })) || (fingerprint === undefined && ids.has(id))) continue
    seen.add(nameIn({ id, ...(fingerprint === undefined ? {} : { fingerprint }) }))
    ids.add(id)
    const name = inheritedKey(inherits.length)
    if (credential !== undefined) values.set(name, credential)
    inherits.push({ id, ...(fingerprint === undefined ? {} : { fingerprint }), ...(credential === undefined ? {} : { name }) })
  }
  return { inherits, values }
}

function nameIn({ id, fingerprint = '' }: Live): string {
  return `${id} ${fingerprint}`
}
