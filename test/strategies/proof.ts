import { expect } from 'vitest'
import { nameOf } from '../../src/journal/name.ts'
import { isKnown, newIdOf } from '../../src/journal/steps.ts'
import { overlaps } from '../../src/plan/steps.ts'
import { verifyState } from '../../src/proof/audit.ts'
import type { Receipt } from '../../src/proof/receipt.ts'
import { readLedger } from '../../src/state/ledger.ts'
import { SECRET, type Stage } from './stage.ts'

/** What the world is like when a rotation has ended. */
export interface Ended {
  readonly result: 'done' | 'rolled-back'
  /** The value at the beginning. */
  readonly old: string
  /** Other keys of the principal that may be there; of keyturn's own there is none but those of the rotation. */
  readonly others?: readonly string[]
}

/** What is looked at: a stage, wherever its rotation was run. */
export type Proven = Pick<Stage, 'events' | 'progress' | 'stored' | 'services' | 'server' | 'rotation' | 'receipt'> & { readonly engine: Pick<Stage['engine'], 'state'> }

/** Everything that has to be so, whatever happened on the way. */
export async function proveEnd(stage: Proven, { result, old, others = [] }: Ended): Promise<void> {
  await stage.events()
  const progress = await stage.progress()
  const { plan, closed } = progress
  expect(closed).toMatchObject({ result })
  const found = stage.stored()
  expect(found === old, 'the store holds the old value').toBe(result === 'rolled-back')
  for (const service of Object.values(stage.services)) {
    expect(service.instances.every(({ holds }) => holds === found), 'every instance holds what the store holds').toBe(true)
  }
  const keys = stage.server.keys.of('atlas').filter(({ id }) => !others.includes(id))
  const inUse = keys.find(({ value }) => value === found)
  expect(inUse?.state, 'the credential in use').toBe('on')
  // An issuer that only turns off leaves what is off.
  const rest = keys.filter((key) => key !== inUse && (plan.traits.ends.includes('gone') || key.state !== 'off'))
  const stays = overlaps(plan) && plan.traits.ends.length === 0
  if (stays) expect(rest.length, 'what the provider ends in its own time').toBeLessThanOrEqual(1)
  else expect(rest.map(({ id, state }) => `${id} ${state}`), 'keys that nobody knows').toEqual([])
  expect(stage.server.keys.accepts(old) !== undefined).toBe(result === 'rolled-back' || stays)

  const sealed = await stage.engine.state.db.selectFrom('sealed').select('name').where('rotation', '=', stage.rotation()).where('name', '!=', 'snapshot').execute()
  expect(sealed).toEqual(result === 'done' ? [{ name: 'new' }] : [])
  const ledger = await readLedger(stage.engine.state.db, `strategies/staging/${SECRET}`)
  expect(ledger.filter(({ state }) => state === 'presented')).toHaveLength(1)
  // In a database it is a row.
  if (stage.engine.state.kind === 'postgres') return
  // Of a new credential that was never known there is nothing to say.
  if (isKnown(progress)) proveReceipt(stage.receipt(), { result, stays, fresh: newIdOf(progress), old: plan.current?.id })
  else expect([result, stage.receipt()]).toEqual(['rolled-back', undefined])
}

/** Every journal verifies by itself, and against its receipt. */
export async function proveState({ engine: { state } }: Pick<Proven, 'engine'>): Promise<void> {
  expect((await verifyState(state)).problems).toEqual([])
}

/** The receipt says what is so: who is in use, and of the other one that it was ended and rejected, or that it was not ended. */
function proveReceipt(receipt: Receipt | undefined, is: { readonly result: string; readonly stays: boolean; readonly fresh: string | undefined; readonly old: string | undefined }): void {
  const [kept, other] = is.result === 'done' ? (['new', 'old'] as const) : (['old', 'new'] as const)
  const ids = { new: is.fresh, old: nameOf(is.old ?? '') }
  expect(receipt?.result).toBe(is.result)
  expect(nameOf(receipt?.inUse.id ?? '')).toBe(ids[kept])
  expect(nameOf((is.stays ? receipt?.left : receipt?.ended)?.id ?? '')).toBe(ids[other])
  expect(is.stays ? receipt?.ended : receipt?.left).toBeUndefined()
  expect(receipt?.inUse.fingerprint).not.toBe((receipt?.ended ?? receipt?.left)?.fingerprint)
  expect(receipt?.proof).toMatchObject(is.stays ? { [kept]: 'accepted' } : { [kept]: 'accepted', [other]: 'rejected' })
}
