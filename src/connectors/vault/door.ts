import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'
import type { Access } from './access-schema.ts'
import { ask, type Door, outcomeOf, placeOf, read, says, send, type Time } from './api.ts'

const loginSchema = z.object({ auth: z.object({ client_token: z.string().min(1), accessor: z.string().min(1).optional() }) })

/** What an AppRole logs in with. */
export interface Approle {
  readonly mount: string
  readonly roleId: string
  readonly secretId: Secret
}

/**
 * Opens a door for one piece of work: with the token that the reference brings, or with one that an AppRole gets by a login and that
 * is revoked afterwards, as well as that goes. Nothing was done by the time that the way in fails, so that is always refused.
 */
export async function asAdmin<T>(access: Access, host: Pick<Host, 'resolve' | 'conceal'>, call: Time & { readonly deadline?: number }, work: (door: Door) => Promise<Answer<T>>): Promise<Answer<T>> {
  if (call.signal.aborted) return refused('DEADLINE', placeOf(access))
  const { address, namespace } = access
  const { signal, deadline } = call
  const bring = (text: string): Promise<Secret> => (deadline === undefined ? host.resolve(text) : host.resolve(text, { signal, deadline }))
  try {
    if (access.login === undefined) return await work({ address, namespace, token: await bring(access.token ?? '') })
    const [roleId, secretId] = [await bring(access.login.role_id), await bring(access.login.secret_id)]
    const entered = await logIn({ address, namespace }, { mount: access.login.mount, roleId: roleId.reveal(), secretId }, call)
    if (entered.is !== 'done') return nothingDone(entered)
    host.conceal(entered.value)
    const door = { address, namespace, token: entered.value }
    const answer = await work(door)
    await leave(door, call)
    return answer
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
}

/**
 * A login of an AppRole; the token that it gives is the caller's to revoke. `refused` ADMIN_REJECTED when Vault knows no such pair,
 * RIGHTS_MISSING when it lets nobody in from here, or locked the role out.
 */
export async function logIn(door: Omit<Door, 'token'>, { mount, roleId, secretId }: Approle, call: Time): Promise<Answer<Secret>> {
  const asked = { method: 'POST', path: `auth/${mount}/login`, body: { role_id: roleId, secret_id: secretId.reveal() } } as const
  const answer = await send(door, asked, call)
  if (answer.is !== 'done') return answer
  if (answer.value.status === 400 && says(answer.value, /invalid (?:role|secret)/i)) return refused('ADMIN_REJECTED', `${asked.path} at ${placeOf(door)}`, { status: 400 })
  const outcome = outcomeOf(answer.value, door, asked)
  if (outcome.is !== 'done') return outcome
  const login = read(outcome.value, loginSchema, door)
  return login.is === 'done' ? done(new Secret(login.value.auth.client_token)) : login
}

/** Revokes the token of a door. One that stays (no time left, no answer) ends with its own lease. */
export async function leave(door: Door, call: Time): Promise<void> {
  await ask(door, { method: 'POST', path: 'auth/token/revoke-self' }, call)
}

/** The silence of a login leaves at most a token that nobody has; what was to be done is not done. */
function nothingDone<T>(answer: Answer<T>): Answer<never> {
  if (answer.is === 'unknown') return refused(answer.code, answer.about, answer.evidence)
  if (answer.is === 'refused') return answer
  return refused('INTERNAL')
}
