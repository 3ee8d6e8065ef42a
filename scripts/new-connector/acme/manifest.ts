import { z } from 'zod'
import { describeConnector } from '../../../src/kit/connector.ts'
// <issuer store consumer check attestor notifier>
import { urlSchema } from '../../../src/outside/http/url.ts'

/** What every family asks for. Each key is described: docs, editors and messages of errors are made of these texts. */
const access = {
  url: urlSchema.describe('Where Acme is, such as `https://acme.example`.'),
  // A secret is never written out: with this mark anything but a reference is an error.
  token: z.string().min(1).meta({ reference: true }).describe('Shows Acme who asks; a reference such as `${env:ACME_TOKEN}`.'),
}
// </issuer store consumer check attestor notifier>

// <issuer>
/** What stands under `issuer:` with `use: acme`. */
export const issuerSchema = z.strictObject({
  ...access,
  owner: z.string().min(1).describe('Whose keys are rotated: the principal, on which locks are held.'),
})

export type IssuerConfig = z.infer<typeof issuerSchema>

// </issuer>
// <store>
/** What stands in a store with `use: acme`. */
export const storeSchema = z.strictObject({
  ...access,
  project: z.string().min(1).describe('The project whose settings consumers read.'),
})

export type StoreConfig = z.infer<typeof storeSchema>

// </store>
// <consumer>
/** What stands in a consumer with `use: acme`. */
export const consumerSchema = z.strictObject({
  ...access,
  service: z.string().min(1).describe('The service that is restarted.'),
})

export type ConsumerConfig = z.infer<typeof consumerSchema>

// </consumer>
// <check>
/** What stands in a check with `use: acme`. */
export const checkSchema = z.strictObject({
  ...access,
  expect: z.string().min(1).default('ok').describe('The status that Acme has to report.'),
})

export type CheckConfig = z.infer<typeof checkSchema>

// </check>
// <attestor>
/** What stands under `attest:` with `use: acme`. */
export const attestorSchema = z.strictObject({
  ...access,
  field: z.string().min(1).default('password').describe('The field of the credential that instances hold.'),
})

export type AttestorConfig = z.infer<typeof attestorSchema>

// </attestor>
// <notifier>
/** What stands in a notifier with `use: acme`. */
export const notifierSchema = z.strictObject({
  ...access,
  channel: z.string().min(1).describe('Where the notices go.'),
})

export type NotifierConfig = z.infer<typeof notifierSchema>

// </notifier>
// <reference>
/** What may stand in `${acme:...}`. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z][\w-]*$/, 'the name of a value, such as `${acme:admin-password}`')
  .describe('`${acme:NAME}` is the value NAME at Acme, found by `ACME_URL` and `ACME_TOKEN` of the environment.')

// </reference>
// Data only: help, docs and the JSON Schema are made of it without loading the code.
export default describeConnector({
  id: 'acme',
  title: 'Acme',
  // One sentence, for the generated docs.
  summary: 'Speaks to Acme.',
  // The provider's own pages, from which what is known here comes.
  links: ['https://acme.example/docs'],
  families: {
    // <issuer>
    issuer: issuerSchema,
    // </issuer>
    // <store>
    store: storeSchema,
    // </store>
    // <consumer>
    consumer: consumerSchema,
    // </consumer>
    // <check>
    check: checkSchema,
    // </check>
    // <attestor>
    attestor: attestorSchema,
    // </attestor>
    // <notifier>
    notifier: notifierSchema,
    // </notifier>
    // <reference>
    reference: nameSchema,
    // </reference>
  },
  // <issuer>
  // What its issuer can carry out, the preferred one first; see the table in ARCHITECTURE.md.
  strategies: ['overlap'],
  // The fields of a credential; a `plain` one is no secret.
  fields: { id: 'plain', key: 'secret' },
  // </issuer>
})
