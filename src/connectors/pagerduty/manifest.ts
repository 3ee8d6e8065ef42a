import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { durationSchema } from '../../kit/duration.ts'
import { urlSchema } from '../../outside/http/url.ts'

/** What stands in a notifier with `use: pagerduty`. */
export const notifierSchema = z.strictObject({
  key: z.string().meta({ reference: true }).describe('The integration key of a service (Events API v2). Whoever has it can page.'),
  url: urlSchema.default('https://events.pagerduty.com/v2/enqueue').describe('Where events are sent; `https://events.eu.pagerduty.com/v2/enqueue` for accounts in the EU.'),
  least: z.enum(['info', 'warning', 'critical']).default('warning').describe('What is less severe opens no alert; it still acknowledges or ends one.'),
  timeout: durationSchema.default('10s').describe('How long one delivery may take.'),
})

export type NotifierConfig = z.infer<typeof notifierSchema>

export default describeConnector({
  id: 'pagerduty',
  title: 'PagerDuty',
  summary: 'Opens, acknowledges and resolves alerts of PagerDuty by its Events API v2, one for each secret.',
  links: ['https://developer.pagerduty.com/docs/events-api-v2-overview', 'https://developer.pagerduty.com/docs/send-alert-event', 'https://developer.pagerduty.com/docs/pd-cef'],
  families: { notifier: notifierSchema },
})
