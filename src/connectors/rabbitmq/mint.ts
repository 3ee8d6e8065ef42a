import { type Answer, done, type Evidence, type MintIntent, refused } from '../../kit/index.ts'
import { type Api, pathOf } from './api.ts'
import { passwordHash } from './password-hash.ts'
import { otherOf, type Principal } from './principal.ts'
import { isOff, readConnections, readUser, type User, usesOf } from './user.ts'

/**
 * Gives the user its new password, as a hash. `alternate`: makes the idle user an equal of the other first, without a password that lets
 * anybody in, and refuses PRINCIPAL_IN_USE when somebody is logged in with another password. `accepted`: whether this very credential
 * is accepted now; then an earlier run of this mint was here. May be repeated.
 */
export async function mint(
  api: Api, principal: Principal, intent: MintIntent, accepted: () => Promise<boolean>,
): Promise<Answer<{ readonly evidence: Evidence }>> {
  const { id, fields: { password } } = intent.credential
  if (password === undefined || !principal.all.includes(id)) return refused('PRINCIPAL_MISSING', `${id} is not of this principal`)
  const [own, from] = [await readUser(api, id), await readUser(api, otherOf(principal, id))]
  if (from === undefined) return refused('PRINCIPAL_MISSING', otherOf(principal, id))
  const letIn = { password_hash: passwordHash(password), hashing_algorithm: 'rabbit_password_hashing_sha256', tags: from.tags.join(',') }
  if (principal.strategy === 'in-place') {
    await api.change('PUT', pathOf('users', id), letIn)
    return done({ evidence: { user: id } })
  }
  if (own !== undefined && !isOff(own) && await accepted()) return done({ evidence: { user: id, created: false, again: true } })
  const uses = usesOf(await readConnections(api, id))
  if (uses.length > 0) return refused('PRINCIPAL_IN_USE', `${id}: ${uses.map(({ by, count }) => `${by} (${count})`).join(', ')}`)
  // An empty hash lets nobody in: https://www.rabbitmq.com/docs/passwords#passwordless-users
  await api.change('PUT', pathOf('users', id), { password_hash: '', tags: '' })
  await equalise(api, from, id, own)
  await api.change('PUT', pathOf('users', id), letIn)
  return done({ evidence: { user: id, created: own === undefined, again: false } })
}

/** Permissions, topic permissions and limits of the one for the other, and nothing more. */
async function equalise(api: Api, from: User, id: string, own: User | undefined): Promise<void> {
  for (const { vhost } of own?.permissions ?? []) {
    if (!from.permissions.some((one) => one.vhost === vhost)) await api.change('DELETE', pathOf('permissions', vhost, id))
  }
  for (const { vhost } of own?.topics ?? []) await api.change('DELETE', pathOf('topic-permissions', vhost, id))
  for (const { vhost, configure, write, read } of from.permissions) await api.change('PUT', pathOf('permissions', vhost, id), { configure, write, read })
  for (const { vhost, exchange, write, read } of from.topics) await api.change('PUT', pathOf('topic-permissions', vhost, id), { exchange, write, read })
  await sameLimits(api, isOff(from) ? { limits: {} } : from, id, own)
}

/** The limits of the one for the other; that of a user that is off is none to copy. */
export async function sameLimits(api: Api, from: Pick<User, 'limits'>, id: string, own: Pick<User, 'limits'> | undefined): Promise<void> {
  for (const limit of Object.keys(own?.limits ?? {})) {
    if (from.limits[limit] === undefined) await api.change('DELETE', pathOf('user-limits', id, limit))
  }
  for (const [limit, value] of Object.entries(from.limits)) await api.change('PUT', pathOf('user-limits', id, limit), { value })
}
