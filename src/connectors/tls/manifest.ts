import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { anchoredSchema } from '../../outside/anchored.ts'
import { endpointShape } from '../../outside/dial.ts'

const fileName = z.string().min(1)
const fingerprint = z
  .string()
  .regex(/^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, 'the SHA-256 of a certificate: 64 hexadecimal digits, with colons or without')

/** What stands in a check with `use: tls`. */
export const checkSchema = z.strictObject({
  ...endpointShape,
  name: endpointShape.host.optional().describe('The name that is asked for (SNI) and has to be in the certificate; `host` when absent.'),
  startTls: z.literal('postgres').optional().describe('Begin as this protocol does before it turns to TLS.'),
  ca: fileName
    .optional()
    .describe('A file with the authorities that may have signed, in place of the public ones; from the folder of the manifest.'),
  expect: z
    .strictObject({
      minDays: z.number().int().min(0).max(10_000).default(0).describe('So many days, or more, before the certificate ends.'),
      issuer: anchoredSchema.optional().describe('A regular expression that describes the whole issuer, such as `C=US, O=.*, CN=R1\\d`.'),
      subject: anchoredSchema.optional().describe('The same for the subject, such as `CN=db\\.example\\.org`.'),
      certificate: fileName
        .optional()
        .describe('A file, such as that of a store: the server has to present the first certificate in it.'),
      not: z
        .strictObject({ fingerprints: z.array(fingerprint).min(1).describe('The SHA-256 of each.') })
        .optional()
        .describe('Certificates that the server must not present any more.'),
    })
    .prefault({})
    .describe('What the certificate has to be, beside valid for the name.'),
  timeout: durationSchema.default('5s').describe('How long one look may take.'),
})

export type CheckConfig = z.infer<typeof checkSchema>

export default describeConnector({
  id: 'tls',
  title: 'TLS',
  summary: 'Checks the certificate that a server presents: chain, name, days left, and whether it is the one that was published.',
  links: [
    'https://www.rfc-editor.org/rfc/rfc8446',
    'https://www.rfc-editor.org/rfc/rfc9525',
    'https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL',
    'https://nodejs.org/api/tls.html',
  ],
  families: { check: checkSchema },
})
