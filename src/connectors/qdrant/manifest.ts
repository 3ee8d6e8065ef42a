import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { wayOption } from '../../outside/file/index.ts'
import { urlSchema } from '../../outside/http/index.ts'
import { argvSchema } from '../../outside/process/index.ts'

const node = z.strictObject({
  name: z.string().min(1).describe('What plans, messages and receipts call it.'),
  url: urlSchema.describe('Its REST API: `https://HOST:6333`.'),
  file: z.string().min(1).describe('The file from which this node takes its keys when it starts, from the folder of the manifest; nodes may share one.'),
  restart: argvSchema.describe('A command that has the node start anew, with the file as it is now: `[docker, compose, up, --detach, --force-recreate, qdrant]`, `[systemctl, restart, qdrant]`.'),
})

/** What stands under `issuer:` with `use: qdrant`. */
export const issuerSchema = z
  .strictObject({
    key: z
      .enum(['api_key', 'read_only_api_key'])
      .default('api_key')
      .describe('Which key of the server it is. Only `api_key` has a second place, `alt_api_key`.'),
    format: z
      .enum(['env', 'yaml'])
      .describe('What the files are. `env`: lines such as `QDRANT__SERVICE__API_KEY=...`. `yaml`: a configuration file with a `service:` section.'),
    nodes: z
      .array(node)
      .min(1)
      .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'names of nodes must differ')
      .describe('Every node, in the order in which they are restarted, one after another; each is changed and proven by itself.'),
    write: wayOption.optional(),
    length: z.number().int().min(32).max(256).default(48).describe('Letters and digits of a new key.'),
    strategy: z
      .enum(['overlap', 'in-place'])
      .default('overlap')
      .describe('Two keys beside each other (Qdrant 1.17 and later); or one, with a gap while the nodes restart.'),
  })
  .refine((config) => config.strategy === 'in-place' || config.key === 'api_key', {
    path: ['strategy'],
    error: 'write `strategy: in-place`: the server has one place for a read-only key',
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

export default describeConnector({
  id: 'qdrant',
  title: 'Qdrant',
  summary: 'Rotates the API key of Qdrant in the configuration of every node, with the second key that it takes since 1.17, or in place; restarts node by node.',
  links: [
    'https://qdrant.tech/documentation/guides/security/',
    'https://qdrant.tech/documentation/guides/configuration/',
    'https://github.com/qdrant/qdrant/pull/7835',
  ],
  families: { issuer: issuerSchema },
  strategies: ['overlap', 'in-place'],
  fields: { key: 'secret' },
})
