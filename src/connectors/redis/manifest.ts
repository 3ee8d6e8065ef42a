import { z } from 'zod'
import { describeConnector } from '../../kit/index.ts'

const name = z.string().regex(/^[^\s\0]{1,256}$/, 'a name without spaces')

const node = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  host: z.string().min(1).describe('Host name or address.'),
  port: z.number().int().min(1).max(65_535).default(6379).describe('TCP port.'),
})

/** What stands under `issuer:` with `use: redis`. */
export const issuerSchema = z
  .strictObject({
    admin: z.string().min(1).meta({ reference: true }).describe('A reference to the redis:// or rediss:// URL of an admin, who is another user than the one that is rotated: `${env:REDIS_ADMIN_URL}`.'),
    user: name.describe('The ACL user whose password is rotated; `default` is the one of `requirepass`.'),
    companion: name.optional().describe('The second user of the pair; `<user>_alt` when absent. keyturn creates it. With `alternate` only.'),
    nodes: z
      .array(node)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of nodes must differ')
      .optional()
      .describe('Every primary and every replica: users do not replicate. Each is changed, saved and proven by itself, with the admin\'s login. The node of the admin URL when absent.'),
    ca: z.string().min(1).optional().describe('With `rediss://`, a file with the authorities that may have signed the nodes\' certificates, in place of the public ones; from the folder of the manifest.'),
    persist: z
      .enum(['always', 'never'])
      .default('always')
      .describe('`always`: each change is written to the ACL file, or to the configuration file where there is none. `never`: a restart brings the old password back.'),
    length: z.number().int().min(16).max(128).default(40).describe('Letters and digits of a new password.'),
    strategy: z
      .enum(['alternate', 'overlap', 'in-place'])
      .default('alternate')
      .describe('A pair of users; two passwords of one user, of which Redis does not tell who uses which; or one password, with a gap.'),
  })
  .refine((config) => config.companion !== config.user, { path: ['companion'], error: 'the companion must be another user' })
  .refine((config) => config.companion === undefined || config.strategy === 'alternate', {
    path: ['companion'],
    error: 'leave it out: only `alternate` has a second user',
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'redis',
  title: 'Redis',
  summary: 'Rotates the password of a Redis user on every node: with a second user of the same rights, with a second password, or in place.',
  links: [
    'https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/',
    'https://redis.io/docs/latest/commands/acl-setuser/',
    'https://redis.io/docs/latest/commands/acl-save/',
    'https://redis.io/docs/latest/commands/config-rewrite/',
    'https://redis.io/docs/latest/commands/client-kill/',
  ],
  families: { issuer: issuerSchema },
  strategies: ['alternate', 'overlap', 'in-place'],
  fields: { user: 'plain', password: 'secret' },
})
