import type { z } from 'zod'
import { durationOf } from '../kit/duration.ts'
import type { Ms } from '../kit/index.ts'
import type { Timing } from '../manifest/model.ts'
import type { defaultsSchema } from './schema.ts'

type Written = z.infer<typeof defaultsSchema>

/** How long a check looks again when its `within` is absent. */
export const checkWithin = '30s'

/** The timing of a secret from what is written there and under `defaults`; what neither says has the value of this file. */
export function timingOf(own: Written, defaults: Written): Timing {
  const time = (key: 'grace' | 'undo' | 'deadline' | 'ready', otherwise: string): Ms =>
    durationOf(own[key] ?? defaults[key] ?? otherwise)
  const written = own.quiet ?? defaults.quiet ?? '1m'
  const quiet = durationOf(typeof written === 'object' ? written.for : written)
  const every = typeof written === 'object' ? written.every : undefined
  const snapshots = own.snapshots ?? defaults.snapshots
  return {
    grace: time('grace', '24h'),
    quiet,
    quietEvery: every === undefined ? Math.min(30_000, Math.max(250, Math.round(quiet / 20))) : durationOf(every),
    undo: time('undo', '1h'),
    deadline: time('deadline', '10s'),
    ready: time('ready', '60s'),
    ...(snapshots === undefined ? {} : { snapshots: durationOf(snapshots) }),
  }
}
