import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { wayOption } from '../../outside/file/index.ts'
import { urlSchema } from '../../outside/http/index.ts'
import { serverSchema } from '../../outside/nats/index.ts'
import { argvSchema } from '../../outside/process/index.ts'

const name = z.string().regex(/^[\w.@-]{1,64}$/, 'letters, digits and `_ . @ -`')

const reload = z
  .union([
    z.strictObject({ pidFile: z.string().min(1).describe('The `pid_file` of the server, which gets SIGHUP; from the folder of the manifest.') }),
    z.strictObject({ command: argvSchema.describe('A command that has the server read its configuration again: `[docker, kill, --signal, HUP, nats]`.') }),
  ])
  .describe('How the server is told to read its configuration again.')

const node = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  server: serverSchema.describe('Where clients log in: `nats://HOST:PORT`, or `tls://HOST:PORT`.'),
  monitor: urlSchema.describe('Its monitoring port: `http://HOST:8222`.'),
  file: z.string().min(1).describe('The file of users that its configuration includes, from the folder of the manifest; servers may share one.'),
  reload,
})

/** What stands under `issuer:` with `use: nats-config`. */
export const issuerSchema = z
  .strictObject({
    user: name.describe('The user whose password is rotated. With `overlap` the name in `// keyturn:NAME`, the comment that marks a key as one of this secret.'),
    companion: name.optional().describe('The second user of the pair; `<user>_alt` when absent. keyturn writes it. With `alternate` only.'),
    nodes: z
      .array(node)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of nodes must differ')
      .describe('Every server that accepts the user, each changed and proven by itself.'),
    ca: z.string().min(1).optional().describe('A PEM file with the authorities that sign the certificates of `tls://` servers, from the folder of the manifest; those of Node when absent.'),
    length: z.number().int().min(22).max(72).default(40).describe('Letters and digits of a new password; bcrypt takes 72 at most.'),
    cost: z.number().int().min(4).max(14).default(10).describe('The cost of its hash (bcrypt), which the server pays at each login. A random password needs no high one.'),
    write: wayOption.optional(),
    fields: z
      .record(z.string(), z.enum(['secret', 'plain']))
      .optional()
      .describe('The fields of a credential. Leave it out: they are `user` and `password`, and with `overlap` `seed`.'),
    strategy: z
      .enum(['alternate', 'overlap', 'in-place'])
      .default('alternate')
      .describe('A pair of users with passwords; two keys (nkeys) beside each other; or one password, with a gap.'),
  })
  .refine((config) => config.companion !== config.user, { path: ['companion'], error: 'the companion must be another user' })
  .refine((config) => config.companion === undefined || config.strategy === 'alternate', { path: ['companion'], error: 'leave it out: only `alternate` has a second user' })
  .refine((config) => config.fields === undefined || isDeepStrictEqual(config.fields, fieldsOf(config)), { path: ['fields'], error: 'leave it out: the strategy says it' })
  // The engine reads them there: a key has no user name that a store could carry.
  .transform((config) => ({ ...config, fields: fieldsOf(config) }))

export type IssuerConfig = z.infer<typeof issuerSchema>
export type NodeConfig = z.infer<typeof node>

/** The fields of a credential: of a key its seed alone. */
function fieldsOf({ strategy }: { readonly strategy: string }): Readonly<Record<string, 'secret' | 'plain'>> {
  return strategy === 'overlap' ? { seed: 'secret' } : { user: 'plain', password: 'secret' }
}

export default describeConnector({
  id: 'nats-config',
  title: 'NATS (users of the configuration)',
  summary: 'Rotates a user of the configuration of NATS servers, with a password or an nkey, in a file that the configuration includes.',
  links: [
    'https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/username_password',
    'https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth',
    'https://docs.nats.io/running-a-nats-service/configuration#include-directive',
    'https://docs.nats.io/running-a-nats-service/nats_admin/signals',
    'https://docs.nats.io/running-a-nats-service/nats_admin/monitoring',
  ],
  families: { issuer: issuerSchema },
  strategies: ['alternate', 'overlap', 'in-place'],
  fields: 'configured',
})
