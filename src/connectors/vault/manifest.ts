import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { issuerSchema } from './issuer-schema.ts'
import { sealerSchema } from './sealer-schema.ts'
import { storeSchema } from './store-schema.ts'

/** What may stand in `${vault:...}`: a path with its mount, and a key in it. */
export const nameSchema = z
  .string()
  .regex(
    /^(?!.*(?:^|\/)\.{0,2}(?:\/|#))[^\s?#{}/]+(?:\/[^\s?#{}/]+)+#[^\s#{}](?:[^#{}\n]*[^\s#{}])?$/,
    'a path with its mount, and a key: `${vault:secret/atlas#password}`',
  )
  .describe('`${vault:PATH#KEY}` is a value in a KV engine of the Vault at VAULT_ADDR, read with VAULT_TOKEN, with VAULT_ROLE_ID and VAULT_SECRET_ID, or with ~/.vault-token.')

export default describeConnector({
  id: 'vault',
  title: 'HashiCorp Vault',
  summary: 'Keeps values in a KV engine beside others, rotates secret ids of an AppRole and tokens, brings values in by reference, and seals the state with a key of Transit.',
  links: [
    'https://developer.hashicorp.com/vault/api-docs',
    'https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2',
    'https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1',
    'https://developer.hashicorp.com/vault/api-docs/auth/approle',
    'https://developer.hashicorp.com/vault/api-docs/auth/token',
    'https://developer.hashicorp.com/vault/api-docs/secret/transit',
    'https://developer.hashicorp.com/vault/docs/concepts/user-lockout',
  ],
  families: { store: storeSchema, issuer: issuerSchema, reference: nameSchema, sealer: sealerSchema },
  strategies: ['overlap'],
  fields: { secret: 'secret', accessor: 'plain' },
})
