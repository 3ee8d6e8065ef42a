import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { connectionSchema, hasWholeAdmin, WHOLE_ADMIN } from '../../outside/aws/index.ts'

/** What stands under `stores:` with `use: aws-ssm`. */
export const storeSchema = z
  .strictObject({
    ...connectionSchema,
    parameter: z.string().regex(/^\/?[\w.-]+(\/[\w.-]+)*$/, 'a name of a parameter such as `/atlas/prod/db-password`').describe('The parameter: one value, key `value`. It has to be there, as a SecureString.'),
  })
  .refine(hasWholeAdmin, WHOLE_ADMIN)

export type StoreConfig = z.infer<typeof storeSchema>

export default describeConnector({
  id: 'aws-ssm',
  title: 'AWS SSM Parameter Store',
  summary: 'Keeps a value in a SecureString parameter, whose key, tier, description and other attributes stay.',
  links: [
    'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html',
    'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html',
    'https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html',
  ],
  families: { store: storeSchema },
})
