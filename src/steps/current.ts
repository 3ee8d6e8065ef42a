import { type Answer, type Call, type Credential, done, type Fields, type Issuer, label, refused, type Secret, type Store } from '../kit/index.ts'
import { fieldsOfBinding, readBinding } from '../manifest/binding.ts'
import { misfitOf } from './misfit.ts'
import type { Binding, StoreSpec } from '../manifest/model.ts'
import { isBare, sameFields } from './entries.ts'
import { readKeySet } from './key-set.ts'

/** The stores that one secret is read from, in the manifest's order. */
export interface ReadStores {
  readonly issuer: Issuer
  readonly stores: readonly Pick<Store, 'traits' | 'title' | 'read'>[]
}

/**
 * The credential in use, read from the stores: every store has to hold the same one, in every key that is bound, and it has to
 * be one of the issuer's principal. What is there for another one while two are accepted has to be empty, for nobody knows how long
 * what that one signed is alive. `refused` names the store and the key that do not fit, never a value.
 */
export async function readCurrent(cast: ReadStores, specs: readonly StoreSpec[], call: Call): Promise<Answer<Credential>> {
  const names = Object.keys(cast.issuer.traits.fields)
  const fields: Record<string, Secret> = {}
  const others: { readonly at: string; readonly binding: Binding; readonly value: Secret }[] = []
  const both = specs.some(({ bind }) => Object.values(bind).some(({ slot }) => slot !== undefined))
  for (const [index, store] of cast.stores.entries()) {
    if (both && store.traits.read !== 'value') return refused('PRECONDITION_FAILED', `${store.title()} cannot be read, so the old value cannot be held while the new one comes`)
    const bind = specs[index]?.bind ?? {}
    const seen = await store.read(Object.keys(bind), call)
    if (seen.is !== 'done') return seen
    for (const [key, binding] of Object.entries(bind)) {
      const value = seen.value.entries[key]
      if (binding.slot !== undefined && binding.slot !== 'jwks') {
        if (value !== undefined && !isBare(value)) others.push({ at: `${key} in ${store.title()}`, binding, value })
        continue
      }
      if (value === undefined) return refused('STORE_UNFIT', `${key} is not in ${store.title()}`)
      const keys = binding.slot === 'jwks' ? (readKeySet(value) ?? []) : undefined
      if (keys !== undefined && keys.length > 1) return refused('PREVIOUS_HELD', `${key} in ${store.title()} has ${keys.length} keys`)
      const read = keys === undefined ? readBinding(binding, value, names) : readKey(binding, keys)
      if (read === undefined && keys !== undefined) return refused('STORE_UNFIT', `${key} in ${store.title()}: it is no JSON Web Key Set with one key`)
      if (read === undefined) return refused('STORE_UNFIT', `${key} in ${store.title()}: ${misfitOf(binding, value)}`)
      if (!sameFields(Object.fromEntries(Object.entries(read).filter(([name]) => name in fields)), fields)) {
        return refused('STORE_DRIFT', `${key} in ${store.title()} holds another value than the stores before it`)
      }
      Object.assign(fields, read)
    }
  }
  const whole = cast.issuer.complete?.(fields) ?? fields
  const held = others.find(({ binding, value }) => {
    const read = readBinding(binding, value, names)
    return read === undefined || !sameFields(read, whole)
  })
  if (held !== undefined) return refused('PREVIOUS_HELD', held.at)
  const id = cast.issuer.idOf(whole)
  if (id === undefined) return refused('STORE_UNFIT', `the stores hold a credential of another principal than the manifest names${plainOf(cast.issuer, fields)}`)
  return done({ id, fields: whole })
}

/** The only key of a set, as the field that the binding names. */
function readKey(binding: Binding, [key]: readonly Secret[]): Fields | undefined {
  const [name] = fieldsOfBinding(binding)
  return key === undefined || name === undefined ? undefined : { [name]: key }
}

/** The fields that are no secret, for messages: ` (user: atlas)`. */
function plainOf({ traits }: Issuer, fields: Readonly<Record<string, Secret>>): string {
  const plain = Object.entries(fields).filter(([name]) => traits.fields[name] === 'plain').map(([name, value]) => `${name}: ${label(value.reveal())}`)
  return plain.length === 0 ? '' : ` (${plain.join(', ')})`
}
