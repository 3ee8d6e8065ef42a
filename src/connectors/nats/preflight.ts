import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Credential, Preflight } from '../../kit/issuer.ts'
import type { Work } from './access.ts'
import { readAccount } from './account.ts'
import { readConnections, usesOf } from './connections.ts'
import { keysOf } from './keys.ts'
import { entriesOf, isRevoked } from './ledger.ts'
import type { IssuerConfig } from './manifest.ts'
import { readUser, sameClaims } from './user.ts'

const NOTICES = [
  'Account JWTs have no compare-and-set, so the fence is keyturn\'s own: a newer owner of the rotation does not stop an older request at the servers.',
  'The revocation stands in the JWT that the servers keep. Whoever has a copy of the account (nsc) pulls it before the next push, which would let the old user in again.',
]

/** Whether a new user could be made and the old one revoked, by what the system account shows. Changes nothing. */
export async function lookAhead(config: IssuerConfig, host: Host, work: Work, current: Credential, call: Call): Promise<Answer<Preflight>> {
  const { session, servers, creds } = work
  const { account, user } = config
  // Only servers that keep account JWTs themselves answer this.
  await session.gather('$SYS.REQ.CLAIMS.LIST', '', (all) => all.length >= servers.count)
  const { scoped } = await keysOf(config, host, work, call)
  const nats = (await readAccount(session, account, servers))?.nats ?? {}
  if (readUser(creds.jwt)?.id === current.id) return refused('RIGHTS_MISSING', 'the user under `system` is the one that would be revoked: give another')

  const held = readUser(current.fields['jwt'])
  if (isRevoked(nats, current.id)) return refused('CREDENTIAL_REJECTED', `${label(user)} is revoked in the account`)
  if (scoped && config.claims !== undefined) return refused('MANIFEST_INVALID', 'the signing key has a role, which says what the user may do: leave `claims` out')
  if (held !== undefined && !sameClaims(held.claims, scoped ? {} : (config.claims ?? {}))) {
    return refused('PRECONDITION_FAILED', `what ${label(user)} may do by its JWT is not what ${scoped ? 'the scoped signing key leaves to it: nothing of its own' : '`claims` says'}`)
  }
  const connections = await readConnections(session, account, servers)
  const [total, own, most] = [connections.all.length, usesOf(connections, current.id).reduce((sum, { count }) => sum + count, 0), nats.limits?.conn ?? -1]
  const evidence = { server: label(servers.version), servers: servers.count, connections: total, own, connectionsMax: most, scoped, listed: entriesOf(nats, user).length }
  // For a while each consumer may be connected twice, and a probe comes beside them.
  if (most >= 0 && total + Math.max(own, 1) > most) return refused('SLOTS_FULL', `the account may have ${most} connections, has ${total}, and ${own} of them move`, evidence)
  const ends = config.expires === undefined && held?.expires !== undefined ? ['The current JWT expires; the new one does not, for `expires` is not set.'] : []
  return done({ evidence, fenced: false, notices: [...NOTICES, ...ends] })
}
