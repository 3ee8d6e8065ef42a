import { z } from 'zod'
import { durationSchema } from '../kit/duration.ts'
import { escalationSchema, noticeSchema, notifierName, routeSchema } from './telling-schema.ts'

/** The engine's own `use:` blocks, and the ones of connectors by family: what a place marked with `holds` takes. */
export type Block = 'sealing' | 'notifier' | 'issuer' | 'store' | 'consumer' | 'attest' | 'check' | 'preflight' | 'wave' | 'binding'

// These are read one by one (block.ts, store.ts, secret.ts), so that every problem in each is found; the JSON Schema puts their
// definitions in place of the mark.
const holds = (block: Block) => z.unknown().meta({ holds: block })

// Zero is a duration where it means "at once"; elsewhere the kit's, which is above 0.
const duration = z.string().regex(/^\d{1,9}(ms|s|m|h|d)$/, 'a duration such as `0s`, `30s`, `10m`, `48h`')
const owner = z.string().min(1).describe('Who answers for it: a team or a person.')
const every = z
  .string()
  .regex(/^(\d{1,9}(ms|s|m|h|d)|quarterly|annually|never|\S+( +\S+){4})$/, 'a duration such as `90d`, `quarterly`, `annually`, `never`, or a cron expression such as `0 3 1 * *`')
  .describe('How often it is rotated: a duration, `quarterly`, `annually`, `never`, or a cron expression of five fields.')
const expires = z
  .union([
    durationSchema,
    z.strictObject({
      after: durationSchema.optional().describe('How long a credential lives after its rotation began, where its provider does not say it.'),
      margin: durationSchema.optional().describe('How long before its end it is replaced. 14d when absent, at most a quarter of its life.'),
    }),
  ])
  .describe('When its credentials expire: so long after their rotation began. With `on: [expiry]` it is due before that.')
const notify = z.array(z.string().min(1)).describe('The notifiers that are told everything about it.')

/** How long to wait for what. The defaults are in timing.ts. */
const timing = {
  grace: duration
    .optional()
    .describe('From presented everywhere to the gate before the old credential is ended. 24h when absent.'),
  quiet: z
    .union([
      duration,
      z.strictObject({
        for: duration.describe('How long.'),
        every: durationSchema.optional().describe('How often it is looked at.'),
      }),
    ])
    .optional()
    .describe('How long the old credential must be seen unused, and how often that is looked at. 1m when absent.'),
  undo: duration.optional().describe('How long the old credential stays off and restorable before it is gone. 1h when absent.'),
  deadline: durationSchema.optional().describe('The time of one effect. 10s when absent.'),
  ready: durationSchema.optional().describe("The time from a consumer's reload until every instance attests. 60s when absent."),
  snapshots: duration.optional().describe('How long the sealed snapshot of what a rotation changed is kept after its end, for `rollback` and for people; none is taken with `0s`. 30d when absent.'),
}

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of the day such as `02:30`')
const date = z.iso.date().describe('A day, `2026-12-20`.')
const windows = z
  .array(
    z.strictObject({
      days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])).min(1).optional().describe('On which it begins. Every day when absent.'),
      from: time.describe('When it begins, by the wall clock of the zone.'),
      to: time.describe('When it ends; on the next day when that is not later than `from`.'),
    }),
  )
  .min(1)
  .describe('When rotations may begin; at any time when absent.')

/** When rotations begin by themselves. */
export const scheduleSchema = z.strictObject({
  zone: z.string().min(1).optional().describe('The IANA time zone of windows, freezes, calendars and cron expressions. `UTC` when absent.'),
  windows: windows.optional(),
  freezes: z
    .array(z.strictObject({ from: date, to: date, reason: z.string().min(1).describe('Why, for those who ask.') }))
    .optional()
    .describe('Days on which nothing begins, both included.'),
  jitter: duration.optional().describe('What is due at the same time begins spread over this long before it (after it, with a cron expression). 0s when absent.'),
  serial: z.boolean().optional().describe('At most one rotation of the system is open at a time, also of those that people begin.'),
  after: z.enum(['development', 'staging']).optional().describe('A secret is rotated only if it was rotated in this environment since the last time; both have to share a state.'),
  retry: durationSchema.optional().describe('After a rotation that did not end well the next one begins so long later. 24h when absent.'),
})

/** What one secret adds to the schedule. */
export const secretScheduleSchema = z.strictObject({
  windows: windows.optional(),
  apart: z
    .strictObject({
      from: z.array(z.string()).min(1).describe('The other secrets.'),
      by: durationSchema.optional().describe('How long after one of them is closed. 24h when absent.'),
    })
    .optional()
    .describe('Two that must not change close together: it does not begin while one of these is open, and for a while after it.'),
})

/** What holds for every secret that does not say otherwise. */
export const defaultsSchema = z.strictObject({
  owner: owner.optional(),
  every: every.optional(),
  expires: expires.optional(),
  notify: notify.optional(),
  ...timing,
})

/** The names of secrets: they appear in commands and file names. */
export const secretName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** The whole file. */
export const manifestSchema = z.strictObject({
  version: z.literal(1).describe('The version of this format.'),
  system: z.string().min(1).describe('The name of the system whose secrets these are.'),
  environment: z.enum(['development', 'staging', 'production']).optional().describe('`production` when absent.'),
  state: z.string().min(1).optional().describe('Where the state lies: a folder, relative to the manifest, or a reference to a `postgres://` URL, `${env:KEYTURN_STATE_URL}`. `.keyturn` when absent.'),
  sealing: holds('sealing').optional().describe('What seals values while they lie in the state, with a key of its own. The identity alone does when absent.'),
  defaults: z
    .unknown()
    .meta({ holds: 'defaults' })
    .optional()
    .describe('What holds for every secret that does not say otherwise.'),
  schedule: scheduleSchema.optional().describe('When rotations begin by themselves, under `keyturn run`. Nothing does when absent.'),
  notifiers: z.record(z.string().regex(notifierName, 'letters, digits, `.`, `_` and `-`, 64 at most, a letter or digit first'), holds('notifier')).optional().describe('Who can be told, by name. Nobody is when absent.'),
  routes: z.array(routeSchema).optional().describe('Who is told of what, beside the `notify` of a secret. All routes count.'),
  escalation: z.array(escalationSchema).optional().describe('What to do in which case, and whom to ask: it stands in the notices, in `status` and in `runbook`.'),
  preflight: z.array(holds('preflight')).optional().describe('Checks that must pass before anything is changed.'),
  postflight: z.array(holds('preflight')).optional().describe('Checks that must pass before a rotation is done.'),
  secrets: z.record(z.string(), z.unknown()).meta({ minProperties: 1 }).describe('The secrets by name.'),
})

/** One secret. */
export const secretSchema = z.strictObject({
  owner: owner.optional(),
  lifecycle: z
    .enum(['active', 'future', 'legacy', 'static'])
    .optional()
    .describe('Where it stands in its life. `active` when absent.'),
  issuer: holds('issuer').describe('What makes and ends its credentials.'),
  every: every.optional(),
  on: z
    .array(z.string())
    .optional()
    .describe('What else makes it due: `compromise`, `expiry`, `provider-change`, or another secret.'),
  tags: z.array(z.string().min(1)).optional().describe('By what several are chosen: `keyturn rotate --tag TAG`.'),
  expires: expires.optional(),
  notify: notify.optional(),
  notice: noticeSchema.optional().describe('Who is told ahead of what users will feel, when the schedule begins it.'),
  schedule: secretScheduleSchema.optional().describe('What this secret adds to the schedule.'),
  tokens: z
    .strictObject({
      life: durationSchema.describe('How long what a key signed is shown at most: the life of a token or a session, the last retry of a webhook.'),
      cache: duration.optional().describe('How long those who verify keep the keys that they fetched. 0s when absent: they read them when they are reloaded.'),
    })
    .optional()
    .describe('With `dual-key`: how long both keys have to be accepted.'),
  impact: z.string().min(1).optional().describe('What users feel during a rotation. `none` when absent.'),
  ...timing,
  stores: z.array(holds('store')).min(1).describe('Where its value is kept.'),
  consumers: z.array(holds('wave')).optional().describe('What uses it, wave after wave; a consumer by itself is a wave of one.'),
  checks: z.array(holds('check')).optional().describe('What must be well after all waves.'),
})

/** Consumers that are reloaded together. */
export const waveSchema = z.strictObject({
  wave: z.array(holds('consumer')).min(1).describe('Consumers that are reloaded together.'),
  pause: durationSchema.optional().describe('How long nothing else is reloaded after each of them. Not at all when absent.'),
  checks: z.array(holds('check')).optional().describe('What must be well before the next wave begins.'),
})

const withinText = 'How long to look again before a fail is a fail. 30s when absent.'
const forText = 'How long after the first change it has to go on passing; once when absent. In preflight once is enough.'

/** The engine's keys in a block of each family, beside the connector's own. */
export const engineKeys = {
  sealing: z.strictObject({}),
  notifier: z.strictObject({}),
  issuer: z.strictObject({
    strategy: z.string().optional().describe("How old and new overlap. The connector's first one when absent."),
  }),
  store: z.strictObject({
    bind: z
      .record(z.string().min(1), holds('binding'))
      .meta({ minProperties: 1 })
      .describe('How the fields sit in the store, by key.'),
  }),
  consumer: z.strictObject({
    pause: durationSchema.optional().describe('How long nothing else is reloaded after it. What the wave says when absent.'),
    attest: holds('attest').optional().describe('What proves that an instance holds the new value, in place of its own proof.'),
  }),
  attest: z.strictObject({}),
  check: z.strictObject({
    as: z.literal('new').optional().describe('Run with the new credential.'),
    within: durationSchema.optional().describe(withinText),
    for: durationSchema.optional().describe(forText),
  }),
  preflight: z.strictObject({
    within: durationSchema.optional().describe(withinText),
    for: durationSchema.optional().describe(forText),
  }),
} as const

const template = z.string().min(1).describe('A template, as for the key itself.')
const empty = z.literal(true).optional().describe('At rest the key stays, with an empty value. It is taken away when absent.')

/** Keys that hold another credential than the one in use, or both: the word says which. */
const slots = [
  z.strictObject({ previous: template.describe('The other key that is accepted during a rotation: the new one until it is presented, then the old one.'), empty }),
  z.strictObject({ new: template.describe('The new one, during a rotation only.'), empty }),
  z.strictObject({ old: template.describe('The old one, during a rotation only.'), empty }),
  z.strictObject({ jwks: template.describe('A JSON Web Key Set of all keys that are accepted, the one in use first: `{jwk}`.') }),
] as const

/** How a field sits in a store. */
export const bindingSchema = z.union([
  z
    .string()
    .min(1)
    .describe(
      'A template: `{name}` is a field, `{{` and `}}` are braces. In one that starts with `x://` fields are percent-encoded.',
    ),
  z.strictObject({
    url: z
      .union([
        z.string().min(1).describe('The field that is the password of the URL.'),
        z.strictObject({
          user: z.string().nullable().describe('The field that is the user; its own name when empty.').optional(),
          password: z.string().nullable().describe('The field that is the password; its own name when empty.'),
        }),
      ])
      .describe('Replaces user and password in the URL that is there and keeps every other byte.'),
  }),
  ...slots,
])

/** `attest: { use: issuer }`: the engine's own. */
export const issuerAttestSchema = z.strictObject({
  application: z
    .string()
    .min(1)
    .describe("The application name that an instance shows in the issuer's session list; `{name}` is the instance's name."),
})
