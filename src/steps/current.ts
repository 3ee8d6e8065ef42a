import { type Answer, type Call, type Credential, done, type Issuer, label, refused, type Secret, type Store } from '../kit/index.ts'
import { readBinding } from '../manifest/binding.ts'
import { misfitOf } from './misfit.ts'
import type { StoreSpec } from '../manifest/model.ts'
import { sameFields } from './publish.ts'

/** The stores that one secret is read from, in the manifest's order. */
export interface ReadStores {
  readonly issuer: Issuer
  readonly stores: readonly Store[]
}

/**
 * The credential in use, read from the stores: every store has to hold the same one, in every key that is bound, and it has to
 * be one of the issuer's principal. `refused` names the store and the key that do not fit, never a value.
 */
export async function readCurrent(cast: ReadStores, specs: readonly StoreSpec[], call: Call): Promise<Answer<Credential>> {
  const names = Object.keys(cast.issuer.traits.fields)
  const fields: Record<string, Secret> = {}
  for (const [index, store] of cast.stores.entries()) {
    const bind = specs[index]?.bind ?? {}
    const seen = await store.read(Object.keys(bind), call)
    if (seen.is !== 'done') return seen
    for (const [key, binding] of Object.entries(bind)) {
      const value = seen.value.entries[key]
      if (value === undefined) return refused('STORE_UNFIT', `${key} is not in ${store.title()}`)
      const read = readBinding(binding, value, names)
      if (read === undefined) return refused('STORE_UNFIT', `${key} in ${store.title()}: ${misfitOf(binding, value)}`)
      if (!sameFields(Object.fromEntries(Object.entries(read).filter(([name]) => name in fields)), fields)) {
        return refused('STORE_DRIFT', `${key} in ${store.title()} holds another value than the stores before it`)
      }
      Object.assign(fields, read)
    }
  }
  const id = cast.issuer.idOf(fields)
  if (id === undefined) return refused('STORE_UNFIT', `the stores hold a credential of another principal than the manifest names${plainOf(cast.issuer, fields)}`)
  return done({ id, fields })
}

/** The fields that are no secret, for messages: ` (user: atlas)`. */
function plainOf({ traits }: Issuer, fields: Readonly<Record<string, Secret>>): string {
  const plain = Object.entries(fields).filter(([name]) => traits.fields[name] === 'plain').map(([name, value]) => `${name}: ${label(value.reveal())}`)
  return plain.length === 0 ? '' : ` (${plain.join(', ')})`
}
