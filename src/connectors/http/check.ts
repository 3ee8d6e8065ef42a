import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { durationOf } from '../../kit/duration.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Credential } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { unmet, unwanted } from '../../outside/expectation.ts'
import { type HttpRequest, type HttpResponse, request } from '../../outside/http/index.ts'
import type { CheckConfig } from './manifest.ts'
import { signToken } from './token.ts'

type Auth = NonNullable<CheckConfig['auth']>
type Stream = NonNullable<CheckConfig['expect']['stream']>
type Headers = Readonly<Record<string, string | Secret>>

/**
 * A check of what a URL answers. Evidence is the status and the name of the expectation that does not hold, never text of the
 * body. What could not be looked at (no connection, deadline, a cut answer) is `inconclusive`; so is, when a credential is shown,
 * an answer that says nothing about it (408, 429, 5xx), unless that status is expected.
 */
export function openCheck(config: CheckConfig, host: Host): Check {
  const { auth, expect } = config
  return {
    traits: { takesCredential: auth !== undefined },
    title: () => `http ${config.method} ${config.url.replace(/[?#].*$/s, '')}`,
    run: async (call, as) => {
      if (auth !== undefined && as === undefined) return inconclusive({ cause: 'no-credential' })
      const shown = auth === undefined || as === undefined ? {} : show(auth, as, host.now())
      if (shown === undefined) return refused('MANIFEST_INVALID', 'the credential has no such field as `auth` names')
      let asked: HttpRequest
      try {
        asked = await prepare(config, shown, host, call)
      } catch (thrown) {
        if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
        throw thrown
      }
      const limit = durationOf(config.timeout) + (expect.stream === undefined ? 0 : durationOf(expect.stream.for))
      const answer = await request(asked, within(call, limit))
      if (answer.is === 'ask' || (answer.is === 'refused' && answer.code === 'MANIFEST_INVALID')) return answer
      if (answer.is !== 'done') return inconclusive({ cause: answer.code })
      return judge(answer.value, config, auth !== undefined)
    },
  }
}

function within(call: Call, limit: number): Pick<Call, 'signal'> {
  return { signal: AbortSignal.any([call.signal, AbortSignal.timeout(limit)]) }
}

function inconclusive(evidence: CheckResult['evidence']): Answer<CheckResult> {
  return done({ verdict: 'inconclusive', evidence })
}

/** The header that shows the credential; undefined when it lacks the field. */
function show(auth: Auth, { fields }: Credential, now: number): Headers | undefined {
  if ('jwt' in auth) {
    const token = signToken(auth.jwt, fields, now)
    return token === undefined ? undefined : { authorization: new Secret(`Bearer ${token.reveal()}`) }
  }
  if ('basic' in auth) {
    const { user, password } = fields
    if (user === undefined || password === undefined) return undefined
    const pair = Buffer.from(`${user.reveal()}:${password.reveal()}`).toString('base64')
    return { authorization: new Secret(`Basic ${pair}`) }
  }
  const field = fields['bearer' in auth ? auth.bearer : auth.field]
  if (field === undefined) return undefined
  return 'bearer' in auth ? { authorization: new Secret(`Bearer ${field.reveal()}`) } : { [auth.header]: field }
}

async function prepare(config: CheckConfig, shown: Headers, host: Host, call: Call): Promise<HttpRequest> {
  const { url, method, headers = {}, body, expect } = config
  const sent: Record<string, string | Secret> = {}
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = await host.resolve(value, call)
  if (body !== undefined) sent['content-type'] ??= /^\s*[[{]/.test(body) ? 'application/json' : 'text/plain; charset=utf-8'
  return {
    method,
    url,
    headers: { ...sent, ...shown },
    ...(body === undefined ? {} : { body: await host.resolve(body, call) }),
    ...(expect.stream === undefined ? {} : { until: enough(expect.stream), readFor: durationOf(expect.stream.for) }),
  }
}

/** A stream is read no further when nothing that may come can change the verdict. */
function enough({ includes, notIncludes }: Stream): (text: string) => boolean {
  return (text) => (notIncludes === undefined ? includes !== undefined && text.includes(includes) : text.includes(notIncludes))
}

function judge(response: HttpResponse, { expect }: CheckConfig, withCredential: boolean): Answer<CheckResult> {
  const { status, took } = response
  if (status !== expect.status) {
    const says = withCredential && (status >= 500 || status === 408 || status === 429) ? 'inconclusive' : 'fail'
    return done({ verdict: says, evidence: { status, took, unmet: 'status' } })
  }
  const missing = unmetBody(response, expect)
  return done(
    missing === undefined
      ? { verdict: 'pass', evidence: { status, took } }
      : { verdict: 'fail', evidence: { status, took, unmet: missing } },
  )
}

function unmetBody({ text, complete }: HttpResponse, expect: CheckConfig['expect']): string | undefined {
  const { json, text: wanted, not, stream } = expect
  if (json === undefined && wanted === undefined && not === undefined && stream === undefined) return undefined
  // Half a body proves nothing about the whole.
  if (!complete && stream === undefined) return 'length'
  return (
    unmet({ ...wanted, ...(json === undefined ? {} : { json }) }, text) ??
    (not === undefined ? undefined : unwanted({ ...not.text, ...(not.json === undefined ? {} : { json: not.json }) }, text)) ??
    (stream === undefined ? undefined : unmetStream(stream, text))
  )
}

function unmetStream({ includes, notIncludes }: Stream, text: string): string | undefined {
  if (includes !== undefined && !text.includes(includes)) return 'stream:includes'
  if (notIncludes === undefined) return undefined
  if (text.trim() === '') return 'stream:empty'
  return text.includes(notIncludes) ? 'stream:notIncludes' : undefined
}
