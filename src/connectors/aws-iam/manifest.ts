import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { connectionSchema, hasWholeAdmin, WHOLE_ADMIN } from '../../outside/aws/index.ts'

/** What stands under `issuer:` with `use: aws-iam`. */
export const issuerSchema = z
  .strictObject({
    ...connectionSchema,
    region: connectionSchema.region.default('us-east-1').describe('The region whose STS a new key is shown to; IAM itself has none. `us-east-1` when absent.'),
    user: z.string().regex(/^[\w+=,.@-]{1,64}$/, 'a name of an IAM user').describe('The IAM user whose access keys they are.'),
    recent: durationSchema.default('15m').describe('For so long after it was used last a key counts as used now.'),
    lag: durationSchema.default('15m').describe('How late AWS shows that a key was used.'),
    strategy: z.literal('overlap').default('overlap').describe('A second access key beside the first.'),
  })
  .refine(hasWholeAdmin, WHOLE_ADMIN)

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'aws-iam',
  title: 'AWS IAM',
  summary: 'Rotates the access keys of an IAM user: a second one beside the first, then inactive, then deleted.',
  links: [
    'https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html',
    'https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html',
    'https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html',
    'https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap'],
  fields: { accessKeyId: 'plain', secretAccessKey: 'secret' },
})
