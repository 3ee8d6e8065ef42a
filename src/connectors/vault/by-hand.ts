import { type Asked, type ByHand, type Entry, filled, type StoreByHand, word } from '../../by-hand/index.ts'
import { locateSecret } from './path.ts'
import type { StoreConfig } from './store-schema.ts'

/** Keys of a secret in a KV engine of version 2, by `vault kv patch`, which leaves the others. Version 1 has no patch: there is no way by hand. */
export default { store } satisfies ByHand

function store(config: StoreConfig): StoreByHand | undefined {
  const place = locateSecret(config)
  if (place === undefined || place.version === 1) return undefined
  const where = `-mount=${word(place.mount)}`
  const named = (entries: readonly Entry[]): string => entries.map(({ key }) => `\`${key}\``).join(', ')
  const get = (key: string): string => `kv_here kv get ${where} ${word(`-field=${key}`)} ${word(place.name)} 2> /dev/null`
  const { asks, lines } = login(config)
  return {
    tools: ['vault'],
    asks,
    prepare: [
      ...lines,
      `kv_here() { VAULT_ADDR=${word(config.address)}${config.namespace === undefined ? '' : ` VAULT_NAMESPACE=${word(config.namespace)}`} VAULT_TOKEN=$KV_TOKEN vault "$@"; }`,
    ].join('\n'),
    read: (entries) => ({
      says: `Read ${named(entries)} from \`${place.mount}/${place.name}\` in Vault.`,
      run: [...entries.map(({ key, variable }) => `${variable}=$(${get(key)})`), `${entries.map(({ variable }) => `[ -n "$${variable}" ]`).join(' && ')} && echo read`].join('\n'),
      prints: 'read',
    }),
    write: (entries, absent) => ({
      says: `Write ${named(entries)} to \`${place.mount}/${place.name}\` in Vault, by its input: \`patch\` leaves the other keys, \`put\` would take them away. Then read it again.`,
      run: [
        `printf '{${[...entries.map(({ key }) => `${JSON.stringify(key)}:%s`), ...absent.map((key) => `${JSON.stringify(key)}:null`)].join(',')}}' ${entries.map(({ variable }) => `"$(json "$${variable}")"`).join(' ')} | kv_here kv patch ${where} -method=patch ${word(place.name)} - > /dev/null`,
        `if ${entries.map(({ key, variable }) => `[ "$(${get(key)})" = "$${variable}" ]`).join(' && ')}; then echo written; fi`,
      ].join('\n'),
      prints: 'written',
    }),
  }
}

/** The token, or what it is got with. */
function login({ token, login: by, address }: StoreConfig): { readonly asks: readonly Asked[]; readonly lines: readonly string[] } {
  if (token !== undefined) {
    const { word: text, asks } = filled(token)
    return { asks, lines: [`KV_TOKEN=${text}`] }
  }
  if (by === undefined) return { asks: [], lines: [] }
  const [role, secret] = [filled(by.role_id), filled(by.secret_id)]
  return {
    asks: [...role.asks, ...secret.asks],
    lines: [`KV_TOKEN=$(printf '{"role_id":%s,"secret_id":%s}' "$(json ${role.word})" "$(json ${secret.word})" | VAULT_ADDR=${word(address)} vault write -field=token ${word(`auth/${by.mount}/login`)} -)`],
  }
}
