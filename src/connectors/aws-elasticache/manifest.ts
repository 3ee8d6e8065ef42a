import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { connectionSchema, hasWholeAdmin, WHOLE_ADMIN } from '../../outside/aws/index.ts'

const endpoint = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  host: z.string().min(1).describe('Host name of a primary, reader or configuration endpoint.'),
  port: z.int().min(1).max(65_535).default(6379).describe('TCP port.'),
})

/** What stands under `issuer:` with `use: aws-elasticache`. */
export const issuerSchema = z
  .strictObject({
    ...connectionSchema,
    group: z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'the id of a replication group').describe('The replication group whose AUTH token is rotated; with encryption in transit, engine 5.0.5 or newer.'),
    inUse: z.string().min(1).meta({ reference: true }).describe('A reference to the token that the consumers read now, where they read it: AWS asks for the token that is to stay, and never shows it.'),
    endpoints: z
      .array(endpoint)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of endpoints must differ')
      .describe('Where clients log in, each proven by itself.'),
    ca: z.string().min(1).optional().describe('A file with the authorities that may have signed the certificates of the endpoints, in place of the public ones; from the folder of the manifest.'),
    every: durationSchema.default('5s').describe('How often it is looked whether a modification is finished.'),
    length: z.int().min(32).max(128).default(64).describe('Letters and digits of a new token.'),
    strategy: z.literal('overlap').default('overlap').describe('A second token beside the first.'),
  })
  .refine(hasWholeAdmin, WHOLE_ADMIN)

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'aws-elasticache',
  title: 'AWS ElastiCache',
  summary: 'Rotates the AUTH token of a replication group: a second token beside the first, then the second alone.',
  links: [
    'https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html',
    'https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html',
    'https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ReplicationGroupPendingModifiedValues.html',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap'],
  fields: { token: 'secret' },
})
