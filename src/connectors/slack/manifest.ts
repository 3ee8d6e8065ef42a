import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/connector.ts'

/** What stands in a notifier with `use: slack`. */
export const notifierSchema = z.strictObject({
  url: z.string().meta({ reference: true }).describe('The URL of an incoming webhook. Whoever has it can post: it is a secret.'),
  timeout: durationSchema.default('10s').describe('How long one delivery may take.'),
})

export type NotifierConfig = z.infer<typeof notifierSchema>

export default describeConnector({
  id: 'slack',
  title: 'Slack',
  summary: 'Posts notices to a channel by an incoming webhook.',
  links: ['https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks', 'https://docs.slack.dev/messaging/formatting-message-text', 'https://docs.slack.dev/apis/web-api/rate-limits'],
  families: { notifier: notifierSchema },
})
