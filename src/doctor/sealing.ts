import type { Manifest } from '../manifest/model.ts'
import type { Planner } from '../engine/rotate.ts'
import { openConnector } from '../steps/cast.ts'
import { fine, type Found, thrownAt, unanswered } from './finding.ts'
import type { Look } from './look.ts'

/** What nobody has sealed, long enough to be looked at as a whole. */
const NOBODYS = Buffer.alloc(64, 1)

/**
 * Looks whether the sealer that the manifest names can be asked to open something, by asking it to open what nobody sealed: to seal
 * might make a key. Nothing when the identity alone seals.
 */
export async function examineSealing({ registry, host }: Planner, { sealing, base }: Manifest, look: Look): Promise<Found[]> {
  if (sealing === undefined) return []
  try {
    const sealer = await openConnector(registry, host(base), 'sealer', sealing)
    const subject = `${sealing.use} ${sealer.recipient}`
    const answer = await look((call) => sealer.unseal(NOBODYS, '', call))
    if (answer.is !== 'done' && (answer.is === 'ask' || answer.code !== 'SEAL_BROKEN')) return [unanswered('problem', 'identity', subject, answer)]
    return [fine('identity', subject, 'is there and can be asked to open what it sealed')]
  } catch (thrown) {
    return [thrownAt('identity', sealing.use, thrown)]
  }
}
