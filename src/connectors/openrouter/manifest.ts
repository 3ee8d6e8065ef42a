import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { urlSchema } from '../../outside/http/url.ts'

/** What stands under `issuer:` with `use: openrouter`. */
export const issuerSchema = z.strictObject({
  url: urlSchema.refine((text) => URL.canParse(text) && !/[?#]/.test(text), 'scheme, host and perhaps a path, no query').default('https://openrouter.ai/api/v1').describe('Where the API is.'),
  admin: z.string().min(1).meta({ reference: true }).describe('A reference to a management key (once called provisioning key), which is for keys alone: `${env:OPENROUTER_MANAGEMENT_KEY}`.'),
  name: z.string().regex(/^[^\s[\]][^[\]\0]{0,99}$/, 'a name without square brackets, 100 characters at most').describe('The name of the key in use. A new one is called `NAME [TAG]`, with a tag of its attempt.'),
  workspace: z.uuid().optional().describe('The workspace of the keys (`workspace_id`); the default one when absent.'),
  slots: z.int().min(2).max(100).default(5).describe('How many keys of this name may be there at once; with so many no rotation begins, since something leaves them behind.'),
  recent: durationSchema.default('15m').describe('For so long after it was used last a key counts as used now.'),
  lag: durationSchema.default('5m').describe('How late OpenRouter shows that a key was used.'),
  strategy: z.literal('overlap').default('overlap').describe('A second key beside the first.'),
})

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'openrouter',
  title: 'OpenRouter',
  summary: 'Rotates an API key of OpenRouter: a second one with the same limits beside it, then disabled, then deleted.',
  links: [
    'https://openrouter.ai/docs/guides/overview/auth/management-api-keys',
    'https://openrouter.ai/docs/api/api-reference/api-keys/list',
    'https://openrouter.ai/docs/api/api-reference/api-keys/get-current-api-key',
    'https://openrouter.ai/docs/api/api-reference/api-keys/delete-an-api-key',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap'],
  fields: { key: 'secret' },
})
