import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Known } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { ask, type Door, outcomeOf, placeOf, read, says, send } from './api.ts'
import { leave } from './door.ts'
import { eachOf } from './each.ts'
import type { ApproleConfig } from './issuer-schema.ts'
import type { Kind } from './kind.ts'
import { TAG } from './tag.ts'

const keysSchema = z.object({ data: z.object({ keys: z.array(z.string()) }) })
const roleIdSchema = z.object({ data: z.object({ role_id: z.string().min(1) }) })
const madeSchema = z.object({ data: z.object({ secret_id: z.string().min(1), secret_id_accessor: z.string().min(1) }) })
const entrySchema = z.object({ data: z.object({ metadata: z.record(z.string(), z.unknown()).nullish() }) })
const loginSchema = z.object({ auth: z.object({ client_token: z.string().min(1) }) })
const roleSchema = z.object({
  data: z.object({ bind_secret_id: z.boolean(), secret_id_num_uses: z.number(), secret_id_ttl: z.number(), token_max_ttl: z.number(), token_num_uses: z.number().optional() }),
})

/**
 * The secret ids of an AppRole. Vault keeps their metadata, so the attempt that made one is found again by its tag; it does not show
 * who uses one, and a token that was got with it lives on after it.
 * https://developer.hashicorp.com/vault/api-docs/auth/approle
 */
export function approleKind({ role, mount, ttl, lockout, tokenLife }: ApproleConfig): Kind {
  const base = `auth/${mount}/role/${role}`
  const byAccessor = (what: 'lookup' | 'destroy') => `${base}/secret-id-accessor/${what}`

  /** Undefined when there is none of this accessor. */
  const lookUp = async (door: Door, accessor: string, call: { signal: AbortSignal }): Promise<Answer<Known | undefined>> => {
    const asked = { method: 'POST', path: byAccessor('lookup'), body: { secret_id_accessor: accessor } } as const
    const answer = await send(door, asked, call)
    if (answer.is !== 'done') return answer
    if (isAbsent(answer.value)) return done(undefined)
    const outcome = outcomeOf(answer.value, door, asked)
    if (outcome.is !== 'done') return outcome
    const entry = read(outcome.value, entrySchema, door)
    if (entry.is !== 'done') return entry
    const tag = entry.value.data.metadata?.[TAG]
    return done({ id: accessor, state: 'on', uses: [], ...(typeof tag === 'string' ? { tag } : {}) })
  }

  return {
    principal: [`auth/${mount}`, role],
    noun: 'secret id',
    ...(lockout === 'off' ? {} : { lockout }),
    ...(tokenLife === undefined ? {} : { derivedLife: durationOf(tokenLife) }),
    needs: {
      [base]: [['read']],
      [`${base}/role-id`]: [['read']],
      [`${base}/secret-id`]: [['list'], ['create', 'update']],
      [byAccessor('lookup')]: [['create', 'update']],
      [byAccessor('destroy')]: [['create', 'update']],
    },

    async inspect(door, call) {
      const answer = await ask(door, { method: 'GET', path: base }, call)
      if (answer.is !== 'done') return answer
      const seen = read(answer.value, roleSchema, door)
      if (seen.is !== 'done') return seen
      const { bind_secret_id: binds, secret_id_num_uses: uses, secret_id_ttl: life, token_max_ttl: longest } = seen.value.data
      if (!binds) return refused('PROBE_MEANINGLESS', `${base} lets anybody in who knows its role id: set \`bind_secret_id\``)
      if (uses > 0) return refused('PRECONDITION_FAILED', `${base} has \`secret_id_num_uses: ${uses}\`: proving one would use it up`)
      const notices = ['a token that was got with a secret id lives on after it']
      if (longest > 0 && tokenLife !== undefined && durationOf(tokenLife) < longest * 1000) notices.push(`\`tokenLife\` is shorter than the \`token_max_ttl\` of the role, ${longest} s`)
      if (life > 0) notices.push(`secret ids of the role end by themselves after ${life} s`)
      if (lockout !== 'off') notices.push(`Vault locks the role out after ${lockout} failed logins (user lockout), for the new secret id too: an instance that goes on trying with an ended one can do that`)
      return done(notices)
    },

    async list(door, call) {
      const asked = { method: 'GET', path: `${base}/secret-id`, list: true } as const
      const answer = await send(door, asked, call)
      if (answer.is !== 'done') return answer
      const clock = answer.value.date === undefined ? {} : { clock: answer.value.date }
      // A role without any answers as one that is not there does.
      if (answer.value.status === 404) return (await roleIsThere(door, call, base)) ?? done({ known: [], ...clock })
      const outcome = outcomeOf(answer.value, door, asked)
      if (outcome.is !== 'done') return noRole(answer.value) ? refused('PRINCIPAL_MISSING', `${base} at ${placeOf(door)}`) : outcome
      const keys = read(outcome.value, keysSchema, door)
      if (keys.is !== 'done') return keys
      const known = await eachOf(keys.value.data.keys, (accessor) => lookUp(door, accessor, call))
      return known.is === 'done' ? done({ known: known.value.filter((one) => one !== undefined), ...clock }) : known
    },

    async make(door, tag, call) {
      const body = { metadata: JSON.stringify({ [TAG]: tag }), ...(ttl === undefined ? {} : { ttl }) }
      const answer = await ask(door, { method: 'POST', path: `${base}/secret-id`, body }, call)
      if (answer.is !== 'done') return answer
      const made = read(answer.value, madeSchema, door)
      return made.is === 'done' ? done({ accessor: made.value.data.secret_id_accessor, secret: new Secret(made.value.data.secret_id) }) : made
    },

    stranger: () => new Secret(randomUUID()),

    async verdict(door, secret, call) {
      const role_ = await ask(door, { method: 'GET', path: `${base}/role-id` }, call)
      if (role_.is !== 'done') return role_
      const roleId = read(role_.value, roleIdSchema, door)
      if (roleId.is !== 'done') return roleId
      const { token: _, ...outside } = door
      const login = await send(outside, { method: 'POST', path: `auth/${mount}/login`, body: { role_id: roleId.value.data.role_id, secret_id: secret.reveal() } }, call)
      if (login.is !== 'done') return login
      const { status } = login.value
      const code = String(status)
      if (status === 200) {
        const entered = read(login.value, loginSchema, door)
        // What the proof got is not left open.
        if (entered.is === 'done') await leave({ ...outside, token: new Secret(entered.value.auth.client_token) }, call)
        return done({ verdict: 'accepted', code })
      }
      const sealed = outcomeOf(login.value, door, { method: 'POST', path: `auth/${mount}/login` })
      if (sealed.is === 'refused' && sealed.code === 'UNREACHABLE') return sealed
      return done({ verdict: status === 400 && says(login.value, /invalid (?:role or )?secret[ _]id/i) ? 'rejected' : 'inconclusive', code })
    },

    async end(door, accessor, call) {
      const asked = { method: 'POST', path: byAccessor('destroy'), body: { secret_id_accessor: accessor } } as const
      const answer = await send(door, asked, call)
      if (answer.is !== 'done') return answer
      if (isAbsent(answer.value)) return (await roleIsThere(door, call, base)) ?? done(undefined)
      const outcome = outcomeOf(answer.value, door, asked)
      if (outcome.is === 'done') return done(undefined)
      return noRole(answer.value) ? refused('PRINCIPAL_MISSING', `${base} at ${placeOf(door)}`) : outcome
    },

    async keep(door, accessor, call) {
      const seen = await lookUp(door, accessor, call)
      return seen.is === 'done' ? done(seen.value !== undefined) : seen
    },
  }
}

/** How Vault says that it has no secret id of an accessor: 404, or in words with other statuses. */
function isAbsent(response: { readonly status: number; readonly text: string; readonly complete: boolean }): boolean {
  return response.status === 404 || says(response, /failed to find accessor entry|invalid secret id accessor/i)
}

/** How Vault says that there is no such role: with 400 or 500, as the request has it. */
function noRole(response: { readonly text: string; readonly complete: boolean }): boolean {
  return says(response, /role .+ does not exist/i)
}

/** Undefined when the role is there; a name that is wrong is no proof that nothing is left. */
async function roleIsThere(door: Door, call: { signal: AbortSignal }, base: string): Promise<Answer<never> | undefined> {
  const answer = await send(door, { method: 'GET', path: base }, call)
  if (answer.is !== 'done') return answer
  if (answer.value.status === 404) return refused('PRINCIPAL_MISSING', `${base} at ${placeOf(door)}`)
  const outcome = outcomeOf(answer.value, door, { method: 'GET', path: base })
  return outcome.is === 'done' ? undefined : outcome
}
