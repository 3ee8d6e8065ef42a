import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { wayOption } from '../../outside/file/index.ts'

/** A file that holds values in another form than `KEY=value` lines. */
export const storeConfig = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .describe('The file, from the folder of the manifest; a leading `~/` is the home folder. Links are followed.'),
    format: z
      .enum(['whole', 'json', 'pem', 'creds'])
      .describe(
        '`whole`: the file is one value, key `content`. `json`: strings in a JSON document, keys such as `/db/password` or ' +
          '`db.password`. `pem`: PEM blocks, keys such as `PRIVATE KEY` or `CERTIFICATE/2`. `creds`: the `.creds` file of a NATS ' +
          'user, keys `jwt` and `seed`.',
      ),
    write: wayOption.optional(),
    exact: z
      .literal(true)
      .optional()
      .describe(
        'With `whole`: every byte is the value, a line end at the end too. Without it that line end is the file\'s own and stays, ' +
          'and values that begin or end with white space are refused, which some readers trim and some do not.',
      ),
  })
  .refine((config) => config.exact === undefined || config.format === 'whole', {
    path: ['exact'],
    error: '`exact` only with `format: whole`',
  })

export type StoreConfig = z.infer<typeof storeConfig>

/** What may stand in `${file:...}`. */
export const nameSchema = z
  .string()
  .regex(/^[^\s\0](?:[^\0]*[^\s/\0])?$/, 'the path of a file, such as `${file:secrets/pg-password}`, without blanks around it')
  .describe('`${file:PATH}` is the text in the file, from the folder of the manifest, without its last newline.')

export default describeConnector({
  id: 'file',
  title: 'File',
  summary: 'Keeps values in a file: all of it, strings in a JSON document, PEM blocks, or the two parts of a NATS `.creds` file; every other byte stays as it is.',
  links: [
    'https://www.rfc-editor.org/rfc/rfc8259',
    'https://www.rfc-editor.org/rfc/rfc6901',
    'https://www.rfc-editor.org/rfc/rfc7468',
    'https://docs.nats.io/using-nats/developer/connecting/creds',
    'https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html',
  ],
  families: { store: storeConfig, reference: nameSchema },
})
