import { z } from 'zod'
import { describeConnector } from '../../kit/index.ts'
import { wayOption } from '../../outside/file/index.ts'

/** PostgreSQL's limit for names; PgBouncer takes no longer ones than that with every build. */
const user = z.string().refine((text) => Buffer.byteLength(text) > 0 && Buffer.byteLength(text) <= 63 && !/[\0\r\n]/.test(text), 'a role: 1 to 63 bytes on one line')

const consoleUrl = z
  .string()
  .min(1)
  .meta({ reference: true })
  .describe('A reference to the postgres:// URL of the admin console, a user of `admin_users`: `${env:POOLER_ADMIN_URL}`. Its database is always `pgbouncer`.')

const pooler = z.strictObject({
  name: z.string().min(1).describe('What plans and messages call it.'),
  console: consoleUrl,
})

const poolers = z
  .array(pooler)
  .min(1)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names of poolers must differ')

const authFile = {
  file: z.string().min(1).describe('The `auth_file`, mostly userlist.txt, from the folder of the manifest; a leading `~/` is the home folder. Links are followed.'),
  users: z.array(user).min(1).optional().describe('The roles that this secret may log in as: both of a pair, or the one. Lines of others are never touched.'),
  dated: user.optional().describe('The stem of dated roles: with `app` those are `app_20261121a` and the like.'),
  write: wayOption.optional(),
}

const namesRoles = ({ users, dated }: { users?: unknown; dated?: unknown }): boolean => users !== undefined || dated !== undefined
const NAME_ROLES = 'name the roles of this secret: `users`, or `dated`'

/** What stands in a store with `use: pgbouncer`. */
export const storeSchema = z.strictObject(authFile).refine(namesRoles, NAME_ROLES)

export type StoreConfig = z.infer<typeof storeSchema>

/** What stands in a consumer with `use: pgbouncer`. */
export const consumerSchema = z.strictObject({
  poolers: poolers.describe('The PgBouncers, in the order in which they read their files again. Each has a console of its own.'),
  database: z.string().min(1).describe('The database behind them that proofs log in to.'),
  verifiers: z
    .strictObject({
      admin: z.string().min(1).meta({ reference: true }).describe('A reference to the postgres:// URL of an admin of the server who may read pg_authid: `${env:PG_ADMIN_URL}`.'),
      ...authFile,
    })
    .refine(namesRoles, NAME_ROLES)
    .optional()
    .describe('In place of a store, for an `auth_file` that holds SCRAM verifiers: before each reload those of the server are copied into it.'),
})

export type ConsumerConfig = z.infer<typeof consumerSchema>

/** What stands in a check with `use: pgbouncer`. */
export const checkSchema = z.strictObject({
  poolers: poolers.describe('The PgBouncers that the credential is shown to, each at the address of its console.'),
  database: z.string().min(1).describe('The database behind them to log in to.'),
})

export type CheckConfig = z.infer<typeof checkSchema>

/** What stands under `attest` with `use: pgbouncer`. */
export const attestorSchema = z.strictObject({
  poolers: poolers.describe('Every PgBouncer that the instances may use.'),
  application: z.string().min(1).default('{name}').describe('The application name that an instance shows; `{name}` is the name of the instance.'),
})

export type AttestorConfig = z.infer<typeof attestorSchema>

export default describeConnector({
  id: 'pgbouncer',
  title: 'PgBouncer',
  summary: 'Keeps the logins of PgBouncer in step with PostgreSQL: its userlist.txt, its RELOAD, proofs through it, and who uses it.',
  links: [
    'https://www.pgbouncer.org/config.html#authentication-file-format',
    'https://www.pgbouncer.org/usage.html#admin-console',
  ],
  families: { store: storeSchema, consumer: consumerSchema, check: checkSchema, attestor: attestorSchema },
})
