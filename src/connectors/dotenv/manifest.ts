import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { wayOption } from '../../outside/file/index.ts'

/** Programs that read env files; their rules differ, see readers/. */
const readers = z
  .array(z.enum(['compose', 'node', 'python', 'sh']))
  .min(1)
  .describe(
    'Who reads the file: docker compose, the npm package dotenv, python-dotenv, a shell (`set -a; . ./file`). Each ' +
      'must read every value exactly. Without it: all four, less those that cannot read the file as it is now.',
  )

/** A file of `KEY=value` lines. */
export const storeConfig = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe('The file, from the folder of the manifest; a leading `~/` is the home folder. Links are followed.'),
  readers: readers.optional(),
  write: wayOption.optional(),
})

export type StoreConfig = z.infer<typeof storeConfig>

export default describeConnector({
  id: 'dotenv',
  title: 'Env file',
  summary: 'Keeps values in a `.env` file and leaves every other byte as it is.',
  links: [
    'https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax',
    'https://github.com/motdotla/dotenv#readme',
    'https://github.com/theskumar/python-dotenv#file-format',
    'https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html',
  ],
  families: { store: storeConfig },
})
