import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Credential, Issuer, Observation, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { issuerOfKeys } from '../../outside/api-keys.ts'
import { placeAt, trimmed } from '../../outside/http/index.ts'
import { openApi } from './api.ts'
import { assertionOf, readKeyFile, strangeKeyFile } from './key-file.ts'
import type { IssuerConfig, UserConfig } from './manifest.ts'
import { askToken } from './token.ts'

/** Keys in one page; whoever has more than two pages is over every `slots`. */
const PAGE = 100

const listSchema = z.object({
  pagination: z.object({ totalResult: z.coerce.number().default(0) }).optional(),
  result: z.array(z.object({ id: z.string().min(1), userId: z.string().optional(), expirationDate: z.string().optional() })).default([]),
})
const madeSchema = z.object({ keyId: z.string().min(1), keyContent: z.string().min(1) })

/**
 * Keys of a service account, which Zitadel makes and gives out once, as a file. It keeps no tag of them, so one whose answer was lost is found by
 * what was there before. There is no off: a key is there or it is not.
 */
export function openUser(config: IssuerConfig, user: UserConfig, host: Host): Issuer {
  const api = openApi(config, host)
  const endpoint = placeAt(config.url)
  const about = `keys of user ${user.id} at ${endpoint}`

  /** https://zitadel.com/docs/reference/api/user/zitadel.user.v2.UserService.ListKeys */
  async function list(call: Call): Promise<Answer<Observation>> {
    const answer = await api('zitadel.user.v2.UserService/ListKeys', { pagination: { limit: PAGE, asc: true }, filters: [{ userIdFilter: { id: user.id } }] }, listSchema, call)
    if (answer.is !== 'done') return answer
    if (answer.value === undefined) return refused('PRINCIPAL_MISSING', about)
    const { result, pagination } = answer.value
    const own = result.filter(({ userId }) => userId === undefined || userId === user.id)
    // What has run out is refused, and still there.
    const known = own.map(({ id, expirationDate }) => ({ id, state: Date.parse(`${expirationDate ?? ''}`) <= host.now() ? 'off' as const : 'on' as const, uses: [] }))
    return done({ known, complete: result.length >= (pagination?.totalResult ?? 0), seenUpTo: 0 })
  }

  /**
   * Asks for an access token with the key. Zitadel before the fix of its issue 11924 says 500 `server_error` of each assertion that it cannot
   * verify; that counts only of a key that it does not list.
   */
  async function show({ id, fields: { secret } }: Credential, call: Call): Promise<Answer<Verdict>> {
    const file = readKeyFile(secret)
    const assertion = assertionOf(file?.key, { keyId: file?.keyId ?? id, userId: user.id, audience: trimmed(config.url), now: host.now() })
    const answer = await askToken(config.url, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', scope: 'openid', assertion }, undefined, call)
    if (answer.is !== 'done') return answer
    const { status, granted, error } = answer.value
    const code = `${status} ${error}`
    if (granted) return done({ verdict: 'accepted', code: '200' })
    if (status < 500) return done({ verdict: error === 'invalid_grant' || error === 'invalid_client' ? 'rejected' : 'inconclusive', code })
    const listed = await list(call)
    if (listed.is !== 'done') return listed
    const isGone = listed.value.complete && !listed.value.known.some((known) => known.id === (file?.keyId ?? id))
    return done({ verdict: isGone ? 'rejected' : 'inconclusive', code: isGone ? `${code}, not listed` : code })
  }

  return issuerOfKeys({
    traits: {
      value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'baseline', slots: user.slots, settle: 15_000, ends: ['gone'], fields: { secret: 'secret' }, derivedLife: durationOf(config.derivedLife),
    },
    principal: resourceKey('principal', 'zitadel', endpoint, 'user', user.id),
    about,
    endpoints: [endpoint],
    idOf: ({ secret }) => {
      const file = readKeyFile(secret)
      return file?.userId === user.id ? file.keyId : undefined
    },
    wrong: () => {
      const secret = strangeKeyFile(user.id)
      return { id: readKeyFile(secret)?.keyId ?? '', fields: { secret } }
    },
    list,
    ahead: async () => done([
      'Zitadel does not show who uses which key: set `quiet: 0s` to do without',
      'a key cannot be turned off for a time: once ended it is gone',
      `access tokens that were got with the old key live on, up to ${config.derivedLife}; each proof leaves one that nobody holds`,
    ]),

    /** https://zitadel.com/docs/reference/api/user/zitadel.user.v2.UserService.AddKey */
    async make(_tag, call) {
      const expires = user.expires === undefined ? {} : { expirationDate: new Date(host.now() + durationOf(user.expires)).toISOString() }
      const answer = await api('zitadel.user.v2.UserService/AddKey', { userId: user.id, ...expires }, madeSchema, call)
      if (answer.is !== 'done') return answer
      if (answer.value === undefined) return refused('PRINCIPAL_MISSING', about)
      const secret = new Secret(Buffer.from(answer.value.keyContent, 'base64').toString('utf8'))
      host.conceal(secret)
      const file = readKeyFile(secret)
      if (file === undefined || file.keyId !== answer.value.keyId || file.userId !== user.id) return unknown('RESPONSE_UNFIT', `${about}: a new one`)
      host.conceal(new Secret(file.key))
      return done({ id: file.keyId, fields: { secret } })
    },

    /** https://zitadel.com/docs/reference/api/user/zitadel.user.v2.UserService.RemoveKey */
    turn: (id, state, call) => (state === 'gone'
      ? api('zitadel.user.v2.UserService/RemoveKey', { userId: user.id, keyId: id }, z.object({}), call)
      : Promise.resolve(refused('NOT_NOW', `${about}: one that has run out cannot be turned on again`))),

    show: (credential, _endpoint, call) => show(credential, call),
  })
}
