import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'

/** One mailbox, `local@domain`: RFC 5321, 4.1.2, without comments and quotes. */
const mailbox = z.string().regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?$/, 'one address such as `oncall@example.org`')
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/

/** What stands in a notifier with `use: smtp`. */
export const notifierSchema = z
  .strictObject({
    host: z.string().min(1).describe('The mail server that takes messages.'),
    port: z.int().min(1).max(65_535).default(587).describe('Its port.'),
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').describe('`starttls` (587) and `implicit` (465) are refused without a certificate that is right; `none` is for a server on this machine.'),
    ca: z.string().min(1).optional().describe('A file with the authorities that may have signed its certificate, in place of the public ones; relative to the manifest.'),
    user: z.string().min(1).optional().describe('Who logs in. Nobody does when absent.'),
    password: z.string().meta({ reference: true }).optional().describe('The password of the user.'),
    from: mailbox.describe('The sender.'),
    to: mailbox.describe('Who gets it: a mailbox or a list. For two there are two notifiers.'),
    timeout: durationSchema.default('10s').describe('How long one delivery may take.'),
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), { path: ['password'], error: '`user` and `password`, or neither' })
  .refine(({ tls, host }) => tls !== 'none' || LOOPBACK.test(host), { path: ['tls'], error: '`starttls` or `implicit`: only a server on this machine is spoken to in the clear' })

export type NotifierConfig = z.infer<typeof notifierSchema>

export default describeConnector({
  id: 'smtp',
  title: 'SMTP',
  summary: 'Sends notices by mail, over TLS, with nodemailer.',
  links: ['https://www.rfc-editor.org/rfc/rfc5321', 'https://www.rfc-editor.org/rfc/rfc3207', 'https://www.rfc-editor.org/rfc/rfc8314', 'https://www.rfc-editor.org/rfc/rfc3834', 'https://nodemailer.com/errors'],
  families: { notifier: notifierSchema },
})
