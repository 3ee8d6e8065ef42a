import { z } from 'zod'
import { describeConnector } from '../../kit/index.ts'
import { endpointShape } from '../../outside/dial.ts'
import { urlSchema } from '../../outside/http/url.ts'

const name = z.string().regex(/^[\w.@-]{1,128}$/, 'letters, digits and . _ @ -, at most 128')

const endpoint = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  host: endpointShape.host,
  port: endpointShape.port.default(5672),
  tls: z.boolean().default(false).describe('Whether it speaks amqps; its certificate is checked.'),
})

/** What stands under `issuer:` with `use: rabbitmq`. */
export const issuerSchema = z
  .strictObject({
    api: urlSchema.describe('The management API: `https://rabbit.example:15671`.'),
    admin: z.strictObject({
      user: z.string().min(1).describe('A user with the tag administrator.'),
      password: z.string().min(1).meta({ reference: true }).describe('A reference to its password: `${env:RABBITMQ_ADMIN_PASSWORD}`.'),
    }).describe('Who asks the management API.'),
    user: name.describe('The user whose password is rotated.'),
    companion: name.optional().describe('The second user of the pair; `<user>_alt` when absent. keyturn creates it.'),
    vhost: z.string().min(1).default('/').describe('Where probes log in; both users must be let in.'),
    endpoints: z
      .array(endpoint)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of endpoints must differ')
      .describe('Every node or proxy that accepts an AMQP login, each proven by itself.'),
    length: z.number().int().min(16).max(128).default(40).describe('Letters and digits of a new password.'),
    strategy: z.enum(['alternate', 'in-place']).default('alternate').describe('A pair of users without a gap, or one user with one.'),
  })
  .refine((config) => config.companion !== config.user, { path: ['companion'], error: 'the companion must be another user' })

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'rabbitmq',
  title: 'RabbitMQ',
  summary: 'Rotates the password of a RabbitMQ user over the management API: with a second user that has the same permissions, or in place.',
  links: [
    'https://www.rabbitmq.com/docs/http-api-reference',
    'https://www.rabbitmq.com/docs/passwords',
    'https://www.rabbitmq.com/docs/access-control',
    'https://www.rabbitmq.com/docs/user-limits',
  ],
  families: { issuer: issuerSchema },
  strategies: ['alternate', 'in-place'],
  fields: { user: 'plain', password: 'secret' },
})
