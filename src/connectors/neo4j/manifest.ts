import { z } from 'zod'
import { describeConnector } from '../../kit/index.ts'
import { endpointShape } from '../../outside/dial.ts'

const name = z.string().regex(/^[!-~]{1,256}$/, 'a name of ASCII characters').refine((text) => !/[,:]/.test(text), 'a name without `,` and `:`')

const node = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  host: endpointShape.host,
  port: endpointShape.port.default(7687),
})

/** What stands under `issuer:` with `use: neo4j`. */
export const issuerSchema = z
  .strictObject({
    admin: z.string().min(1).meta({ reference: true }).describe('A reference to the URL of an admin, another user than the one that is rotated: `${env:NEO4J_ADMIN_URL}`, which is neo4j+s://admin:...@host:7687 or bolt://...'),
    user: name.describe('The user whose password is rotated.'),
    companion: name.optional().describe('The second user of the pair; `<user>_alt` when absent. keyturn creates it. With `alternate` only.'),
    edition: z
      .enum(['community', 'enterprise'])
      .default('community')
      .describe('`community`: there are no roles, and a user cannot be turned off, only dropped. `enterprise`: roles are copied, and a user is suspended before it is dropped.'),
    nodes: z
      .array(node)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of nodes must differ')
      .optional()
      .describe('Every server of a cluster: each lists and ends its own connections, and is proven by itself. The one of the admin URL when absent.'),
    ca: z.string().min(1).optional().describe('With a URL that ends in `+s`, a file with the authorities that may have signed the certificates, in place of the public ones; from the folder of the manifest.'),
    length: z.number().int().min(16).max(128).default(40).describe('Letters and digits of a new password.'),
    lockout: z.number().int().min(2).default(3).describe('After so many wrong passwords in a row the server lets the user in no more for a while (dbms.security.auth_max_failed_attempts).'),
    strategy: z.enum(['alternate', 'in-place']).default('alternate').describe('A pair of users, or one password, with a gap.'),
  })
  .refine((config) => config.companion !== config.user, { path: ['companion'], error: 'the companion must be another user' })
  .refine((config) => config.companion === undefined || config.strategy === 'alternate', {
    path: ['companion'],
    error: 'leave it out: only `alternate` has a second user',
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'neo4j',
  title: 'Neo4j',
  summary: 'Rotates the password of a Neo4j user: with a second user of the same roles, or in place; ends the connections that outlive a login.',
  links: [
    'https://neo4j.com/docs/operations-manual/current/authentication-authorization/manage-users/',
    'https://neo4j.com/docs/operations-manual/current/procedures/',
    'https://neo4j.com/docs/operations-manual/current/configuration/configuration-settings/',
    'https://neo4j.com/docs/status-codes/current/errors/all-errors/',
    'https://neo4j.com/docs/javascript-manual/current/connect-advanced/',
  ],
  families: { issuer: issuerSchema },
  strategies: ['alternate', 'in-place'],
  fields: { user: 'plain', password: 'secret' },
})
