import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { anchoredSchema } from '../../outside/anchored.ts'
import { endpointShape } from '../../outside/dial.ts'

/** What stands in a check with `use: tcp`. */
export const checkSchema = z
  .strictObject({
    ...endpointShape,
    send: z
      .string()
      .min(1)
      .max(4096)
      .refine((text) => !text.includes('${'), 'no references: what is sent here is no secret')
      .optional()
      .describe('What is sent first, such as `"PING\\r\\n"`.'),
    expect: z
      .strictObject({
        banner: anchoredSchema.describe(
          'A regular expression that describes the first line which the server sends, all of it, without its line end. One ' +
            'character for each byte.',
        ),
      })
      .optional()
      .describe('What the server has to say; that it takes the connection is enough when absent.'),
    timeout: durationSchema.default('5s').describe('How long one look may take.'),
  })
  .refine((config) => config.send === undefined || config.expect !== undefined, {
    path: ['send'],
    error: '`send` only with `expect`: without an answer nothing is learned by it',
  })

export type CheckConfig = z.infer<typeof checkSchema>

export default describeConnector({
  id: 'tcp',
  title: 'TCP',
  summary: 'Checks that a server takes connections, and what it says first.',
  links: ['https://www.rfc-editor.org/rfc/rfc9293', 'https://nodejs.org/api/net.html'],
  families: { check: checkSchema },
})
