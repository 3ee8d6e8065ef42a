import { z } from 'zod'
import { accessShape, hasOneWay, ONE_WAY, pathSchema } from './access-schema.ts'
import { locateSecret } from './path.ts'

/** What stands in a store with `use: vault`. */
export const storeSchema = z
  .strictObject({
    ...accessShape,
    path: pathSchema.describe('The secret, with its mount: `secret/atlas`; of version 2 `secret/data/atlas` is the same one.'),
    mount: pathSchema.optional().describe('Where the engine is mounted; the first part of `path` when absent.'),
    version: z
      .union([z.literal(1), z.literal(2)])
      .default(2)
      .describe('The version of the KV engine. In version 1 a write cannot be made conditional, and no old version is kept.'),
  })
  .refine(hasOneWay, ONE_WAY)
  .refine((config) => locateSecret(config) !== undefined, { path: ['path'], error: 'the mount, then the secret: `secret/atlas`' })

export type StoreConfig = z.infer<typeof storeSchema>
