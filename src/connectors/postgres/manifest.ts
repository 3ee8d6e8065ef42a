import { z } from 'zod'
import { describeConnector } from '../../kit/index.ts'

const name = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 63 && !text.includes('\0'), 'PostgreSQL names have 1 to 63 bytes')

const endpoint = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  host: z.string().min(1).describe('Host name, address, or the folder of a Unix socket.'),
  port: z.number().int().min(1).max(65_535).default(5432).describe('TCP port.'),
})

/** What stands under `issuer:` with `use: postgres`. */
export const issuerSchema = z
  .strictObject({
    admin: z.string().min(1).meta({ reference: true }).describe('A reference to the postgres:// URL of an admin on the primary: `${env:PG_ADMIN_URL}`.'),
    role: name.describe('The role whose password is rotated: the original one. With `overlap` the one that holds the rights and owns the objects.'),
    companion: name.optional().describe('With `alternate`, the second role of the pair; `<role>_alt` when absent. keyturn creates it.'),
    database: name
      .optional()
      .describe('Where probes log in; the database of the admin URL when absent. Both roles must be let in.'),
    endpoints: z
      .array(endpoint)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of endpoints must differ')
      .optional()
      .describe('Every node, replica or pooler that accepts the login, each proven by itself; the admin URL\'s when absent.'),
    send: z
      .enum(['verifier', 'clear'])
      .default('verifier')
      .describe('`verifier`: the server gets a SCRAM verifier, never the password. `clear`: for servers that refuse that.'),
    length: z.number().int().min(16).max(128).default(40).describe('Letters and digits of a new password.'),
    strategy: z
      .enum(['alternate', 'in-place', 'overlap'])
      .default('alternate')
      .describe('A pair of roles without a gap, one role with one, or with `overlap` a fresh dated role every time, which is dropped in the end.'),
  })
  .refine((config) => config.strategy !== 'overlap' || config.companion === undefined, { path: ['companion'], error: 'dated roles are named by keyturn: leave `companion` out' })
  .refine((config) => config.strategy !== 'overlap' || Buffer.byteLength(config.role) <= 53, { path: ['role'], error: '`<role>_20261121a` would be longer than 63 bytes' })
  .refine((config) => config.companion !== config.role, { path: ['companion'], error: 'the companion must be another role' })
  .refine((config) => config.strategy !== 'alternate' || config.companion !== undefined || Buffer.byteLength(config.role) <= 59, {
    path: ['companion'],
    error: '`<role>_alt` would be longer than 63 bytes: name the companion',
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'postgres',
  title: 'PostgreSQL',
  summary: 'Rotates the login of PostgreSQL: with a second role that has the same rights, with a fresh dated one, or in place.',
  links: [
    'https://www.postgresql.org/docs/current/sql-alterrole.html',
    'https://www.postgresql.org/docs/current/catalog-pg-authid.html',
    'https://www.postgresql.org/docs/current/role-membership.html',
    'https://www.postgresql.org/docs/current/role-removal.html',
    'https://www.rfc-editor.org/rfc/rfc5803',
  ],
  families: { issuer: issuerSchema },
  strategies: ['alternate', 'in-place', 'overlap'],
  fields: { user: 'plain', password: 'secret' },
})
