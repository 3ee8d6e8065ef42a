import type { z } from 'zod'
import { durationOf } from '../kit/duration.ts'
import type { Ms, Strategy } from '../kit/index.ts'
import type { SecretSpec, Timing } from '../manifest/model.ts'
import type { defaultsSchema, secretSchema } from './schema.ts'

type Defaults = z.infer<typeof defaultsSchema>
type Written = Defaults & Pick<z.infer<typeof secretSchema>, 'tokens'>

/** How long a check looks again when its `within` is absent. */
export const checkWithin = '30s'

/** The timing of a secret from what is written there and under `defaults`; what neither says has the value of this file. */
export function timingOf(own: Written, defaults: Defaults, strategy?: Strategy): Timing {
  const time = (key: 'grace' | 'undo' | 'deadline' | 'ready', otherwise: string): Ms =>
    durationOf(own[key] ?? defaults[key] ?? otherwise)
  const tokens = own.tokens === undefined || strategy !== 'dual-key' ? undefined : { life: durationOf(own.tokens.life), cache: durationOf(own.tokens.cache ?? '0s') }
  const written = own.quiet ?? defaults.quiet ?? '1m'
  const quiet = durationOf(typeof written === 'object' ? written.for : written)
  const every = typeof written === 'object' ? written.every : undefined
  const snapshots = own.snapshots ?? defaults.snapshots
  return {
    // What nobody says is as long as it has to be.
    grace: own.grace === undefined && defaults.grace === undefined ? Math.max(time('grace', '24h'), tokens?.life ?? 0) : time('grace', '24h'),
    quiet,
    quietEvery: every === undefined ? Math.min(30_000, Math.max(250, Math.round(quiet / 20))) : durationOf(every),
    undo: time('undo', '1h'),
    deadline: time('deadline', '10s'),
    ready: time('ready', '60s'),
    ...(snapshots === undefined ? {} : { snapshots: durationOf(snapshots) }),
    ...(tokens === undefined ? {} : { tokens }),
  }
}

/** When the credentials of a secret expire, as written; nothing when nothing is. */
export function expiresOf(written: Written['expires']): Pick<SecretSpec, 'expires'> {
  if (written === undefined) return {}
  const { after, margin } = typeof written === 'string' ? { after: written } : { margin: undefined, ...written }
  return { expires: { ...(after === undefined ? {} : { after: durationOf(after) }), ...(margin === undefined ? {} : { margin: durationOf(margin) }) } }
}
