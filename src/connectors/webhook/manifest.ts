import { describeConnector } from '../../kit/connector.ts'
import { issuerSchema } from './issuer-schema.ts'
import { notifierSchema } from './notifier-schema.ts'

export default describeConnector({
  id: 'webhook',
  title: 'Webhook',
  summary: 'Makes and ends credentials by HTTP requests that the manifest describes, and posts notices as signed webhooks.',
  links: [
    'https://www.rfc-editor.org/rfc/rfc9110',
    'https://www.rfc-editor.org/rfc/rfc6585#section-4',
    'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
    'https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/',
  ],
  families: { issuer: issuerSchema, notifier: notifierSchema },
  strategies: ['overlap', 'in-place', 'hard-cut', 'provider-managed'],
  fields: 'configured',
})
