import { z } from 'zod'
import { describeConnector } from '../../kit/index.ts'
import { endpointShape } from '../../outside/dial.ts'

// MariaDB takes 80 characters, MySQL 32; which of the two it is only the server knows, and it refuses what is too long.
const name = z
  .string()
  .min(1)
  .refine((text) => [...text].length <= 80 && !/[\0\s]$/.test(text) && !text.includes('\0'), 'a user name has 1 to 80 characters, and no space at its end')

const endpoint = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  host: endpointShape.host,
  port: endpointShape.port.default(3306),
})

/** What stands under `issuer:` with `use: mysql`. */
export const issuerSchema = z
  .strictObject({
    admin: z.string().min(1).meta({ reference: true }).describe('A reference to the mysql:// URL of an admin on the primary: `${env:MYSQL_ADMIN_URL}`.'),
    user: name.describe('The user whose password is rotated: every account of that name, whatever its host.'),
    companion: name.optional().describe('The second user of the pair; `<user>_alt` when absent. keyturn creates it.'),
    database: z.string().min(1).optional().describe('Where probes log in; none when absent, which asks for no right to any.'),
    endpoints: z
      .array(endpoint)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of endpoints must differ')
      .optional()
      .describe('Every node, replica or proxy that accepts the login, each proven by itself; the admin URL\'s when absent.'),
    send: z
      .enum(['hash', 'clear'])
      .default('hash')
      .describe('`hash`: with mysql_native_password the server gets the hash, never the password. `clear`: for servers that refuse that.'),
    length: z.number().int().min(16).max(64).default(40).describe('Letters and digits of a new password.'),
    lockout: z.number().int().min(2).optional().describe('After so many wrong passwords the server locks the account (FAILED_LOGIN_ATTEMPTS, max_password_errors).'),
    strategy: z
      .enum(['alternate', 'overlap', 'in-place'])
      .default('alternate')
      .describe('A pair of users; two passwords of one user (MySQL 8.0.21 and later); or one password, with a gap.'),
  })
  .refine((config) => config.companion !== config.user, { path: ['companion'], error: 'the companion must be another user' })

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'mysql',
  title: 'MySQL and MariaDB',
  summary: 'Rotates the password of a MySQL or MariaDB user: with a second user that has the same grants, with MySQL\'s dual passwords, or in place.',
  links: [
    'https://mariadb.com/kb/en/alter-user/',
    'https://mariadb.com/kb/en/show-grants/',
    'https://dev.mysql.com/doc/refman/8.4/en/alter-user.html',
    'https://dev.mysql.com/doc/refman/8.4/en/password-management.html#dual-passwords',
  ],
  families: { issuer: issuerSchema },
  strategies: ['alternate', 'overlap', 'in-place'],
  fields: { user: 'plain', password: 'secret' },
})
