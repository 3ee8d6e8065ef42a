import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { accessShape, hasOneWay, lifeSchema, nameInPathSchema, ONE_WAY, pathSchema } from './access-schema.ts'

const approle = z.strictObject({
  role: nameInPathSchema.describe('The AppRole whose secret ids are rotated.'),
  mount: pathSchema.default('approle').describe('Where the AppRole method is mounted under `auth/`.'),
  ttl: lifeSchema.optional().describe('How long a new secret id lives; what the role says when absent.'),
  lockout: z
    .union([z.int().min(3), z.literal('off')])
    .default(5)
    .describe('After so many failed logins Vault locks the role out, for everybody; `off` where the mount is tuned so.'),
  tokenLife: durationSchema
    .optional()
    .describe('How long a token that was got with a secret id can live on after it (the `token_max_ttl` of the role); plans and receipts say it.'),
})

const token = z
  .strictObject({
    role: nameInPathSchema.optional().describe('The token role (`auth/token/roles/...`) whose tokens are rotated; it has to make orphans.'),
    name: nameInPathSchema.optional().describe('Without a role: the display name of its tokens, which are orphans. Making those needs `sudo` or root.'),
    policies: z.array(nameInPathSchema).min(1).optional().describe('The policies of a new token; with a role what the role says when absent.'),
    ttl: lifeSchema.optional().describe('How long a new token lives.'),
    period: lifeSchema.optional().describe('Makes it a periodic one: it lives on for as long as it is renewed within each such time.'),
  })
  .refine(({ role, name }) => (role === undefined) !== (name === undefined), '`role` or `name`, one of them')
  .refine(({ name, policies }) => name === undefined || policies !== undefined, { path: ['policies'], error: 'the policies of a new token: with `name` nothing else says them' })

/** What stands under `issuer:` with `use: vault`. */
export const issuerSchema = z
  .strictObject({
    ...accessShape,
    strategy: z.enum(['overlap']).default('overlap').describe('Old and new are accepted side by side.'),
    approle: approle.optional().describe('Rotates secret ids of an AppRole. Or `tokens`.'),
    tokens: token.optional().describe('Rotates tokens. Or `approle`.'),
    slots: z.int().min(2).max(1_000).default(20).describe('How many may be there at once; with so many no rotation begins, since something leaves them behind.'),
  })
  .refine(hasOneWay, ONE_WAY)
  .refine(({ approle: role, tokens }) => (role === undefined) !== (tokens === undefined), { path: ['approle'], error: '`approle` or `tokens`, one of them' })

export type IssuerConfig = z.infer<typeof issuerSchema>
export type ApproleConfig = z.infer<typeof approle>
export type TokensConfig = z.infer<typeof token>
