import { z } from 'zod'

/** How new content gets into a file. */
export type Way = z.infer<typeof wayOption>

/** For the configuration of a store in a file. */
export const wayOption = z
  .enum(['replace', 'in-place'])
  .describe(
    '`replace` (when absent): a new file takes the place of the old one, readers see the old or the new, whole. `in-place`: for a ' +
      'file that is mounted by itself or belongs to another user; not atomic.',
  )
