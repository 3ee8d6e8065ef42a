import { z } from 'zod'
import { durationSchema } from '../kit/duration.ts'

/** The names of notifiers: they appear in commands. */
export const notifierName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const text = z.string().min(1).max(500)
const words = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])
const notifiers = z.array(z.string().min(1)).min(1)

const filter = {
  severity: z.enum(['info', 'warning', 'critical']).optional().describe('So severe, or more. Every one when absent.'),
  owner: words.optional().describe('Of secrets of this owner, or these. Of all when absent.'),
  secret: words.optional().describe('Of this secret, or these. Of all when absent.'),
  environment: z.union([z.enum(['development', 'staging', 'production']), z.array(z.enum(['development', 'staging', 'production'])).min(1)]).optional().describe('In this environment, or these. In all when absent.'),
}

/** One route. */
export const routeSchema = z.strictObject({
  kind: words.optional().describe('This kind of notice, or these, or conditions: see telling.md. All when absent.'),
  ...filter,
  to: notifiers.describe('The notifiers that are told.'),
})

/** One row of the escalation table. */
export const escalationSchema = z.strictObject({
  when: words.describe('The condition, or the kind of notice, or several of either: see telling.md.'),
  ...filter,
  do: z.array(text).min(1).describe('What to do, step by step.'),
  contacts: z.array(text).optional().describe('Whom to ask.'),
  link: z.url({ protocol: /^https?$/ }).optional().describe('Where more is written.'),
  to: notifiers.optional().describe('Notifiers that are told then, beside those of routes.'),
})

/** No notice is told longer ahead: the outbox forgets what is older. */
const LONGEST = /^0*(?:[1-9]|[12]\d|30)d$|^0*[1-9]\d{0,2}h$|^0*[1-9]\d{0,4}[ms]$/

/** `notice` of a secret. */
export const noticeSchema = z.strictObject({
  before: durationSchema.regex(LONGEST, 'a duration of 30 days at most, such as `2d`').describe('So long before it begins; it does not begin earlier.'),
  to: notifiers.describe('The notifiers that are told, beside those of the secret and of routes.'),
})
