import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { type Api, Stopped } from './api.ts'
import type { Kind } from './kind.ts'
import type { IssuerConfig, UserConfig } from './manifest.ts'
import { proveUser } from './user-probe.ts'
import { readUser, readUses, type UserRecord } from './user-record.ts'

/** What a password policy may ask for beside letters and digits; they go anywhere as they are. */
const SPECIAL = '-_.~'

/**
 * The password of a user, in place. Keycloak lets sessions and tokens live on when a password changes, so they are ended too.
 * https://www.keycloak.org/docs-api/latest/rest-api/index.html: reset-password, logout
 */
export function userKind(config: IssuerConfig, user: UserConfig, now: () => number): Kind {
  const { name, sessions, special, lockout } = user
  const fresh = (): Secret => new Secret(draw(config.length, special))
  return {
    principal: ['user', name],
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { id: 'plain', secret: 'secret' }, settle: 2_000, mint: 'replaces', slots: 1, ends: [],
      ...(lockout === 'off' ? {} : { lockout }),
    },
    idOf: ({ id }) => (id?.reveal() === name ? name : undefined),
    propose: () => ({ id: name, fields: { id: new Secret(name), secret: fresh() } }),
    wrong: (current) => ({ ...current, fields: { ...current.fields, secret: fresh() } }),

    async ahead(api) {
      const found = await readUser(api, name)
      const why = whyNot(found, config)
      if (why !== undefined) return why
      const uses = await readUses(api, found)
      return done({ evidence: { user: label(name), sessions: uses.reduce((sum, { count }) => sum + count, 0) }, notices: noticesOf(found, sessions) })
    },

    async observe(api) {
      const found = await readUser(api, name)
      return done({ known: [{ id: name, state: found.enabled ? 'on' : 'off', uses: await readUses(api, found) }], complete: true, seenUpTo: now() })
    },

    async mint(api, { credential }, call) {
      const { secret } = credential.fields
      if (credential.id !== name || secret === undefined) return refused('PRINCIPAL_MISSING', `${label(credential.id)} is not user ${name}`)
      const found = await readUser(api, name)
      const again = await reset(api, found, secret, call)
      // At every repeat too: who was killed before it left the old sessions open.
      if (sessions === 'end') await api.change('POST', { path: ['users', found.id, 'logout'], role: 'manage-users' })
      return done({ credential, evidence: { user: label(name), again, sessions } })
    },

    probe: (credential, base, asAdmin, call) => proveUser({ base, realm: config.realm, through: user.through, name }, credential, asAdmin, call),

    set: async (_api, id, state) => (state === 'on' && id === name ? done({ evidence: {} }) : refused('NOT_NOW', 'a password that is rotated in place is ended by the next mint')),
  }

  /** Answers whether the password was this one before: where a policy keeps a history, Keycloak refuses to set it again. */
  async function reset(api: Api, found: UserRecord, secret: Secret, call: Call): Promise<boolean> {
    try {
      const there = await api.change('PUT', { path: ['users', found.id, 'reset-password'], role: 'manage-users' }, { type: 'password', value: secret.reveal(), temporary: false })
      if (!there) throw new Stopped(refused('PRINCIPAL_MISSING', `user ${name} is gone`))
      return false
    } catch (thrown) {
      if (!(thrown instanceof Stopped) || !isHistory(thrown.answer)) throw thrown
      const seen = await proveUser({ base: config.url, realm: config.realm, through: user.through, name }, { id: name, fields: { secret } }, ({ body }) => body(api), call)
      if (seen.is === 'done' && seen.value.verdict === 'accepted') return true
      throw thrown
    }
  }
}

function isHistory(answer: Answer<never>): boolean {
  return answer.is === 'refused' && answer.evidence?.['error'] === 'invalidPasswordHistoryMessage'
}

function whyNot({ enabled, requiredActions, access, email }: UserRecord, { admin, realm, user }: IssuerConfig): Answer<never> | undefined {
  const name = user?.name ?? ''
  // What keyturn itself works with is never ended (I4): with it would go the look and the way back. A login goes by name or address.
  const self = admin.user?.toLowerCase()
  if (admin.realm === realm && self !== undefined && (self === name.toLowerCase() || self === email?.toLowerCase())) {
    return refused('RIGHTS_MISSING', `the admin logs in as ${name}, whose password is what is rotated; give another admin, such as a service account (\`client\` and \`secret\`)`)
  }
  if (!enabled) return refused('PRECONDITION_FAILED', `user ${name} is disabled`)
  if (requiredActions.length > 0) return refused('PRECONDITION_FAILED', `user ${name} has required actions (${requiredActions.map(label).join(', ')}): no login succeeds before they are done`)
  return access.manage ? undefined : refused('RIGHTS_MISSING', `the role manage-users, to change user ${name}`)
}

function noticesOf({ federationLink }: UserRecord, sessions: UserConfig['sessions']): readonly string[] {
  return [
    'unfenced: Keycloak cannot tell an older owner from a newer one',
    sessions === 'end'
      ? 'all sessions and tokens of the user end with the old password, offline ones too'
      : 'sessions of the user live on: Keycloak does not end them with the password',
    ...(federationLink === undefined ? [] : ['the user is of another directory: its password can be set only if that is writable']),
  ]
}

/** With letters of both kinds and a digit, which password policies ask for. */
function draw(length: number, special: number): string {
  for (;;) {
    const text = generate(ALNUM, length - special)
    if (!/[a-z]/.test(text) || !/[A-Z]/.test(text) || !/\d/.test(text)) continue
    return special === 0 ? text : `${text.slice(0, 8)}${generate(SPECIAL, special)}${text.slice(8)}`
  }
}
