import type { Kysely } from 'kysely'
import type { Engine } from '../engine/engine.ts'
import { secretOf } from '../engine/rotate.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { appendNote } from '../state/note.ts'
import type { Tables } from '../state/schema.ts'

/** What happens to a secret outside of keyturn, and only people know. */
export const EVENTS = ['compromise', 'expiry', 'provider-change'] as const
export type SecretEvent = (typeof EVENTS)[number]

/** The type of the note. */
export const MARKED = 'secret-marked'

/** What a person marked. */
export interface Mark {
  readonly secret: string
  readonly event: SecretEvent
  /** When it was marked, unix ms. */
  readonly at: number
  /** Of an expiry: when the credential in use ends, unix ms. */
  readonly expiresAt?: number
  /** The credential that was in use then, by the ledger; absent when it knew none. */
  readonly credential?: string
  readonly fingerprint?: string
}

/** What a person says of it. */
export interface Marking {
  readonly event: SecretEvent
  readonly reason: string
  /** Needed for an expiry, and only there, unix ms. */
  readonly expiresAt?: number
}

/**
 * Notes what happened to a secret, with the credential that is in use now, so that it holds for no later one. What it leads to is the
 * schedule's (`on`), `due`'s and the notices'. Throws SECRET_UNKNOWN, and USAGE for an expiry without its date, or a `provider-change` or an expiry of a
 * secret that the manifest does not have due by it: nobody would ever act on that.
 */
export async function markSecret(engine: Engine, manifest: Manifest, secret: string, { event, reason, expiresAt }: Marking): Promise<Mark> {
  const { on = [] } = secretOf(manifest, secret)
  if ((event === 'expiry') !== (expiresAt !== undefined)) throw new KeyturnError('USAGE', event === 'expiry' ? 'an expiry needs its date' : `a ${event} has no date`, { hint: 'Write `keyturn event SECRET expiry --at 2027-03-01 --reason TEXT`; the others are noted as of now.' })
  if (event !== 'compromise' && !on.includes(event)) throw new KeyturnError('USAGE', `${secret} is not due by ${event}`, { hint: `Put \`${event}\` under \`on\` of ${secret} in the manifest.` })
  const { system, environment } = manifest
  const inUse = (await readLedger(engine.state.db, secretKey(system, environment, secret))).find(({ state }) => state === 'presented')
  const mark: Mark = {
    secret, event, at: engine.now(), ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(inUse === undefined ? {} : { credential: inUse.provider_id, fingerprint: inUse.fingerprint }),
  }
  const { at, ...body } = mark
  await appendNote(engine.state, { type: MARKED, at, body: { system, environment, ...body, by: engine.by, reason, version: engine.version } })
  return mark
}

/** Everything that was marked in a system and environment, oldest first. Needs no identity. */
export async function readMarks(db: Kysely<Tables>, { system, environment }: { readonly system: string; readonly environment: string }): Promise<Mark[]> {
  const rows = await db.selectFrom('note').select(['at', 'body']).where('type', '=', MARKED).orderBy('seq').execute()
  return rows.flatMap(({ at, body }) => {
    const mark = JSON.parse(body) as Mark & { readonly system: string; readonly environment: string }
    return mark.system === system && mark.environment === environment ? [{ ...mark, at }] : []
  })
}
