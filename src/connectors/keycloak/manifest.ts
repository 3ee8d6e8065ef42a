import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { urlSchema } from '../../outside/http/url.ts'

const name = z.string().regex(/^[^\s\0][^\0]{0,254}$/, 'a name of at most 255 characters')
const realm = z.string().regex(/^(?!\.{1,2}$)[^\s/?#\0]{1,255}$/, 'a name without blanks and slashes')
const base = urlSchema.refine((text) => URL.canParse(text) && !/[?#]/.test(text), 'scheme, host and perhaps a path, no query')

const admin = z
  .strictObject({
    realm: realm.default('master').describe('The realm that keyturn logs in to.'),
    client: name.optional().describe('A confidential client with a service account (with `secret`); or the client of a user\'s login, `admin-cli` when absent.'),
    secret: z.string().min(1).meta({ reference: true }).optional().describe('A reference to the secret of the client: `${env:KEYCLOAK_CLIENT_SECRET}`.'),
    user: name.optional().describe('A user, in place of a service account.'),
    password: z.string().min(1).meta({ reference: true }).optional().describe('A reference to the password of the user: `${env:KEYCLOAK_ADMIN_PASSWORD}`.'),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), { path: ['password'], error: '`user` and `password` together' })
  .refine(({ user, client, secret }) => user !== undefined || (client !== undefined && secret !== undefined), { path: ['client'], error: '`client` and `secret` of a service account, or `user` and `password`' })
  .describe('Who asks the Admin REST API. Never the user or client that is rotated.')

const client = z.strictObject({
  id: name.describe('The client id of a confidential client.'),
  keep: durationSchema.default('30d').describe('With `overlap`, when Keycloak itself ends the old secret at the latest: longer than a rotation takes, its waits for people included.'),
  derivedLife: durationSchema.optional().describe('How long a token or session that was got with a secret lives on after it; plans and receipts say it.'),
})

const user = z.strictObject({
  name: name.describe('The user name.'),
  through: name.default('admin-cli').describe('A public client of the realm with direct access grants: probes log in through it.'),
  sessions: z.enum(['end', 'keep']).default('end').describe('`end`: with the old password go all sessions and tokens of the user, offline ones too. `keep`: they live on.'),
  special: z.int().min(0).max(8).default(0).describe('How many of the characters of a new password are of `-_.~`, for a password policy that asks for them.'),
  lockout: z.union([z.int().min(2), z.literal('off')]).default(30).describe('After so many failed logins the brute force detection of the realm locks the user (`Max login failures`); `off` where there is none.'),
})

const keys = z.strictObject({
  algorithm: z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']).default('RS256').describe('Which signing keys.'),
  size: z.union([z.literal(2048), z.literal(3072), z.literal(4096)]).default(2048).describe('Bits of a new one.'),
  slots: z.int().min(2).max(100).default(10).describe('How many may be there at once; with so many no rotation begins, since something leaves them behind.'),
  cached: durationSchema.optional().describe('How long services keep the key set of the realm (JWKS) before they ask again; plans and receipts say it.'),
})

/** What stands under `issuer:` with `use: keycloak`. */
export const issuerSchema = z
  .strictObject({
    url: base.describe('Where Keycloak is: `https://sso.example`, with the relative path where it has one.'),
    nodes: z
      .array(base)
      .min(1)
      .refine((all) => new Set(all.map((one) => (URL.canParse(one) ? new URL(one).host : one))).size === all.length, 'nodes must differ in host or port')
      .optional()
      .describe('Every node or proxy that checks the credential, each proven by itself; `url` when absent.'),
    admin,
    realm: realm.describe('The realm of what is rotated.'),
    client: client.optional().describe('Rotates the secret of a client.'),
    user: user.optional().describe('Rotates the password of a user.'),
    keys: keys.optional().describe('Rotates the signing keys of the realm.'),
    length: z.int().min(16).max(128).default(40).describe('Letters and digits of a new secret or password.'),
    strategy: z
      .enum(['in-place', 'overlap'])
      .default('in-place')
      .describe('`in-place`: one secret or password, with a gap. `overlap`: the old client secret stays beside the new one, where a client policy of the realm rotates secrets; keys always.'),
  })
  .refine((config) => [config.client, config.user, config.keys].filter((one) => one !== undefined).length === 1, { path: ['client'], error: '`client`, `user` or `keys`, one of them' })
  .refine((config) => config.user === undefined || config.strategy === 'in-place', { path: ['strategy'], error: 'a user has one password: `in-place`' })
  .refine((config) => config.keys === undefined || config.strategy === 'overlap', { path: ['strategy'], error: 'keys stand beside each other: write `strategy: overlap`' })

export type IssuerConfig = z.infer<typeof issuerSchema>
export type ClientConfig = z.infer<typeof client>
export type UserConfig = z.infer<typeof user>
export type KeysConfig = z.infer<typeof keys>

export default describeConnector({
  id: 'keycloak',
  title: 'Keycloak',
  summary: 'Rotates secrets of clients, passwords of users and signing keys of a realm over the Admin REST API.',
  links: [
    'https://www.keycloak.org/docs-api/latest/rest-api/index.html',
    'https://www.keycloak.org/docs/latest/server_admin/#_secret_rotation',
    'https://www.keycloak.org/docs/latest/server_admin/#rotating-keys',
    'https://www.keycloak.org/docs/latest/server_admin/#password-guess-brute-force-attacks',
  ],
  families: { issuer: issuerSchema },
  strategies: ['in-place', 'overlap'],
  fields: { id: 'plain', secret: 'secret' },
})
