import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { urlSchema } from '../../outside/http/url.ts'

const base = urlSchema.refine((text) => URL.canParse(text) && !/[?#]/.test(text), 'scheme, host and perhaps a path, no query')

/** What stands under `issuer:` with `use: litellm`. */
export const issuerSchema = z.strictObject({
  url: base.describe('Where the proxy is: `https://ai.example`, with its root path where it has one.'),
  nodes: z
    .array(base)
    .min(1)
    .refine((all) => new Set(all.map((one) => (URL.canParse(one) ? new URL(one).host : one))).size === all.length, 'nodes must differ in host or port')
    .optional()
    .describe('Every instance that checks keys, each proven by itself; `url` when absent.'),
  admin: z.string().min(1).meta({ reference: true }).describe('A reference to the master key, or to a key of a proxy admin: `${env:LITELLM_MASTER_KEY}`.'),
  alias: z
    .string()
    .regex(/^[A-Za-z0-9][\w./@-]{0,99}$/, 'letters, digits and `_-./@`, 100 at most')
    .describe('The alias of the key in use (`key_alias`). A new one is called `ALIAS/TAG`, with a tag of its attempt.'),
  duration: z
    .string()
    .regex(/^[1-9]\d*(s|m|h|d|w|mo)$/, 'as LiteLLM writes it: `90d`')
    .optional()
    .describe('After which LiteLLM itself ends a new key; never when absent. Longer than keys are rotated.'),
  slots: z.int().min(2).max(100).default(5).describe('How many keys of this alias may be there at once; with so many no rotation begins, since something leaves them behind.'),
  cached: durationSchema.default('60s').describe('How long other workers and instances go by what they know of a key (`user_api_key_cache_ttl`).'),
  recent: durationSchema.default('15m').describe('For so long after it was used last a key counts as used now.'),
  lag: durationSchema.default('2m').describe('How late LiteLLM writes down that a key was used.'),
  strategy: z.literal('overlap').default('overlap').describe('A second key beside the first.'),
})

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'litellm',
  title: 'LiteLLM',
  summary: 'Rotates a virtual key of a LiteLLM proxy: a second one with the same rights beside it, then blocked, then deleted.',
  links: [
    'https://docs.litellm.ai/docs/proxy/virtual_keys',
    'https://litellm-api.up.railway.app/#/key%20management',
    'https://docs.litellm.ai/docs/proxy/caching',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap'],
  fields: { key: 'secret' },
})
