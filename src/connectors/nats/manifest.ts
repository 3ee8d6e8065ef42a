import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/connector.ts'
import { serverSchema } from '../../outside/nats/index.ts'
import { checkSchema } from './check-schema.ts'

const subjects = z.array(z.string().min(1)).describe('Subjects, with wildcards.')
const permission = z.strictObject({
  allow: subjects.optional().describe('What is allowed; everything when absent.'),
  deny: subjects.optional().describe('What is denied.'),
})

/** What a user JWT may say beside its name and keys, in the words that NATS itself uses. */
export const claimsSchema = z.strictObject({
  pub: permission.optional().describe('Where it may publish.'),
  sub: permission.optional().describe('What it may subscribe to.'),
  resp: z
    .strictObject({
      max: z.number().int().describe('How many responses.'),
      ttl: z.number().int().describe('For how long, in nanoseconds.'),
    })
    .optional()
    .describe('Whether it may publish to the reply subjects of what it got.'),
  subs: z.number().int().optional().describe('Subscriptions at most; no limit when absent.'),
  data: z.number().int().optional().describe('Bytes at most; no limit when absent.'),
  payload: z.number().int().optional().describe('Bytes of one message at most; no limit when absent.'),
  src: z.array(z.string().min(1)).optional().describe('Networks that it may come from, in CIDR form.'),
  allowed_connection_types: z.array(z.string().min(1)).optional().describe('`STANDARD`, `WEBSOCKET`, `LEAFNODE`, `MQTT` and others; all when absent.'),
  tags: z.array(z.string().min(1)).optional().describe('Tags of the user.'),
})

export type UserClaims = z.infer<typeof claimsSchema>

/** What stands under `issuer:` with `use: nats`. */
export const issuerSchema = z.strictObject({
  servers: z
    .array(serverSchema)
    .min(1)
    .refine((all) => new Set(all).size === all.length, 'each server once')
    .describe('Every server that accepts the credential, each proven by itself: `nats://HOST:PORT`, or `tls://HOST:PORT`.'),
  ca: z.string().min(1).optional().describe('A PEM file with the authorities that sign the certificates of `tls://` servers, from the folder of the manifest; those of Node when absent.'),
  system: z.string().min(1).meta({ reference: true }).describe('A reference to the text of the `.creds` file of a user of the system account: `${file:sys.creds}`.'),
  account: z.string().regex(/^A[A-Z2-7]{55}$/, 'the public key of the account, `A...`').describe('The public key of the account.'),
  user: z.string().min(1).max(128).describe('The name of the user, as it stands in its JWT.'),
  signer: z.string().min(1).meta({ reference: true }).describe('A reference to the seed (`SA...`) of the account, or better of a signing key of it: it signs the user JWT.'),
  operator: z.string().min(1).meta({ reference: true }).describe('A reference to the seed (`SO...`) of a signing key of the operator: it signs the account JWT with the revocation in it.'),
  claims: claimsSchema.optional().describe('What the user may do, as its JWT says it; must be what the current one says. None with a scoped signing key, whose role says it.'),
  expires: durationSchema.optional().describe('How long a new JWT is valid; for ever when absent.'),
  strategy: z.literal('overlap').default('overlap').describe('Both users are accepted until the old one is revoked.'),
})

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'nats',
  title: 'NATS',
  summary: 'Rotates a user of a NATS account in operator mode: a new user key and JWT, and the old one revoked at the servers. Checks the counts of a JetStream stream.',
  links: [
    'https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt',
    'https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt/resolver',
    'https://docs.nats.io/running-a-nats-service/configuration/sys_accounts',
    'https://docs.nats.io/reference/reference-protocols/nats-protocol',
    'https://docs.nats.io/running-a-nats-service/nats_admin/monitoring',
  ],
  families: { issuer: issuerSchema, check: checkSchema },
  strategies: ['overlap'],
  fields: { jwt: 'secret', seed: 'secret' },
})
