import { z } from 'zod'
import { accessShape, hasOneWay, nameInPathSchema, ONE_WAY, pathSchema } from './access-schema.ts'

/** What stands under `sealing:` with `use: vault`. */
export const sealerSchema = z
  .strictObject({
    ...accessShape,
    mount: pathSchema.default('transit').describe('Where the Transit engine is mounted.'),
    key: nameInPathSchema.describe('The key, of a type that authenticates: `aes256-gcm96`, the usual one, or `chacha20-poly1305`.'),
  })
  .refine(hasOneWay, ONE_WAY)

export type SealerConfig = z.infer<typeof sealerSchema>
