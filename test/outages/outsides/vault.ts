import { Secret } from '../../../src/kit/index.ts'
import { asker, textOf } from '../../systems/vault/ask.ts'
import { reachFake } from '../../systems/vault/reach.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

const KINDS = {
  approle: { role: 'auth/approle/role/atlas', settings: { token_ttl: 300, token_max_ttl: 600 }, make: 'auth/approle/role/atlas/secret-id', at: [['data', 'secret_id_accessor'], ['data', 'secret_id']] },
  tokens: { role: 'auth/token/roles/atlas', settings: { orphan: true, allowed_policies: 'default', renewable: true }, make: 'auth/token/create/atlas', at: [['auth', 'accessor'], ['auth', 'client_token']] },
} as const

async function start(kind: keyof typeof KINDS): Promise<Outside> {
  const vault = await reachFake()
  const ask = asker(vault.url, vault.root)
  const { role, settings, make, at: [accessorAt, secretAt] } = KINDS[kind]
  await ask('POST', role, settings)
  const made = await ask('POST', make, kind === 'approle' ? {} : { display_name: 'atlas' })
  const id = textOf(made, ...accessorAt)
  const line = await openLine(Number(new URL(vault.url).port))
  return {
    issuer: { address: `http://127.0.0.1:${line.port}`, token: '${env:ADMIN}', [kind]: { role: 'atlas' } }, env: { ADMIN: vault.root },
    current: { id, fields: { secret: new Secret(textOf(made, ...secretAt)), accessor: new Secret(id) } }, lines: [line], close: vault.close, blind: true,
  }
}

export const vault: readonly Row[] = (['approle', 'tokens'] as const).map((kind) => ({ connector: 'vault', strategy: 'overlap', kind, start: () => start(kind) }))
