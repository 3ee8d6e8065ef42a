import { type Credential, type Entries, type Fields, KeyturnError, type Patch, Secret } from '../kit/index.ts'
import { fieldsOfBinding, readBinding, renderBinding } from '../manifest/binding.ts'
import type { Binding } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Shown, Which } from '../plan/step.ts'
import { readKeySet, renderKeySet } from './key-set.ts'

/** What entries are made from: the plan, and the credentials that are known by now. */
export interface Shows {
  readonly plan: Pick<Plan, 'stores'>
  readonly values: { readonly new?: Credential; readonly old?: Credential }
}

const EMPTY = new Secret('')

/**
 * The entries of one store that shows these credentials; null for a key that is not there then. `current` is what the store holds now.
 * Pure. Throws INTERNAL when a credential is not known at this step, and what keeps a value from being rendered.
 */
export function entriesFor(from: Shows, store: number, shown: Shown, current: Entries): Patch {
  const bind = from.plan.stores[store]?.bind ?? {}
  return Object.fromEntries(Object.entries(bind).map(([key, binding]) => [key, entryFor(from, binding, shown, current[key])]))
}

function entryFor(from: Shows, binding: Binding, shown: Shown, current: Secret | undefined): Secret | null {
  const fields = (which: Which): Fields => {
    const credential = from.values[which]
    if (credential === undefined) throw new KeyturnError('INTERNAL', `the ${which} credential is not known at this step`)
    return credential.fields
  }
  if (binding.slot === 'jwks') return keySetOf(binding, [fields(shown.which), ...(shown.beside === undefined ? [] : [fields(shown.beside)])])
  const which = whichIn(binding, shown)
  if (which !== undefined) return renderBinding(binding, fields(which), current)
  return binding.empty === true ? EMPTY : null
}

/** The credential that a key holds; undefined when it holds none at that time. */
function whichIn({ slot }: Binding, { which, beside }: Shown): Which | undefined {
  if (slot === undefined) return which
  if (slot === 'previous' || beside === undefined) return beside
  return slot === 'new' ? 'new' : 'old'
}

function keySetOf(binding: Binding, of: readonly Fields[]): Secret {
  const [name = ''] = fieldsOfBinding(binding)
  return renderKeySet(of.map((fields) => {
    const key = fields[name]
    if (key === undefined) throw new KeyturnError('INTERNAL', `the credential has no field ${name}`)
    return key
  }))
}

/** Without the keys that are not there. Pure. */
export function presentOf(patch: Patch): Entries {
  return Object.fromEntries(Object.entries(patch).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
}

/** Whether a key holds nothing: it is not there, or empty. */
export function isBare(value: Secret | undefined): boolean {
  return value === undefined || value.equals(EMPTY)
}

/** Whether the store holds exactly these entries. A key that is to be empty may be absent: nobody reads more from the one than from the other. */
export function holds(seen: Entries, wanted: Patch): boolean {
  return Object.entries(wanted).every(([key, value]) => (value === null ? seen[key] === undefined : value.equals(seen[key]) || (value.equals(EMPTY) && isBare(seen[key]))))
}

/** Whether every field that was read is the same as the credential's. */
export function sameFields(read: Fields, of: Fields): boolean {
  return Object.entries(read).every(([name, value]) => value.equals(of[name]))
}

/** Whether a value belongs to these credentials and to nobody else, whichever of them it shows. Pure. */
export function isOurs(binding: Binding, value: Secret, of: readonly Credential[], names: readonly string[]): boolean {
  if (binding.slot !== undefined && isBare(value)) return true
  if (binding.slot === 'jwks') {
    const [name = ''] = fieldsOfBinding(binding)
    return readKeySet(value)?.every((key) => of.some(({ fields }) => key.equals(fields[name]))) === true
  }
  const fields = readBinding(binding, value, names)
  return fields !== undefined && of.some((credential) => sameFields(fields, credential.fields))
}
