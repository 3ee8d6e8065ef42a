import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { connectionSchema, hasWholeAdmin, WHOLE_ADMIN } from '../../outside/aws/index.ts'

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html */
const place = {
  ...connectionSchema,
  secret: z.string().min(1).max(2048).describe('Name or ARN of the secret. Its value is a JSON object, as the rotation functions of AWS have it.'),
}

/** What stands under `stores:` with `use: aws-secrets-manager`. */
export const storeSchema = z.strictObject(place).refine(hasWholeAdmin, WHOLE_ADMIN)

/** What stands under `issuer:` with `use: aws-secrets-manager`: a secret that AWS rotates. */
export const issuerSchema = z
  .strictObject({
    ...place,
    fields: z
      .record(z.string().min(1), z.enum(['secret', 'plain']))
      .refine((fields) => Object.values(fields).includes('secret'), 'one field at least that is `secret`')
      .default({ username: 'plain', password: 'secret' })
      .describe('The keys of the JSON value that make the credential; `plain` ones are no secret.'),
    users: z
      .enum(['single', 'alternating'])
      .default('single')
      .describe('The strategy of the rotation function: one user whose password changes, or two by turns, of which the one before stays valid until the next rotation.'),
    settle: durationSchema.default('30s').describe('How long after a deadline a rotation that was asked for may still begin.'),
    strategy: z.literal('provider-managed').default('provider-managed').describe('AWS makes the new value in its own time.'),
  })
  .refine(hasWholeAdmin, WHOLE_ADMIN)

export type StoreConfig = z.infer<typeof storeSchema>
export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'aws-secrets-manager',
  title: 'AWS Secrets Manager',
  summary: 'Keeps values in a JSON secret with its staging labels, and has AWS rotate one, waits for it and finds it stuck.',
  links: [
    'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html',
    'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html',
    'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html',
    'https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html',
  ],
  families: { store: storeSchema, issuer: issuerSchema },
  strategies: ['provider-managed'],
  fields: 'configured',
})
