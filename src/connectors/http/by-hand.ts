import { type Age, type Asked, type ByHand, type CheckByHand, filled, fits, toolsOf, variable, word } from '../../by-hand/index.ts'
import { durationOf } from '../../kit/duration.ts'
import type { CheckConfig } from './manifest.ts'

/** The same request by curl. Headers go to it in a configuration that it reads from a pipe: its command line holds none. */
export default { check } satisfies ByHand

function check(config: CheckConfig): CheckByHand | undefined {
  // A shell does not sign tokens.
  if (config.auth !== undefined && 'jwt' in config.auth) return undefined
  const { url, method, headers = {}, body, expect, timeout } = config
  const sent = Object.entries(headers).map(([name, text]) => ({ name, ...filled(text) }))
  const data = body === undefined ? undefined : filled(body)
  const asks: readonly Asked[] = [...sent.flatMap((one) => one.asks), ...(data?.asks ?? [])]
  const seconds = Math.ceil((durationOf(timeout) + (expect.stream === undefined ? 0 : durationOf(expect.stream.for))) / 1_000)
  return {
    tools: ['curl', ...toolsOf({ json: expect.json }, { json: expect.not?.json })],
    asks,
    passes: (as) => {
      const lines = [
        ...sent.map(({ name, word: text }) => option('header', `${word(`${name}: `)}${text}`)),
        ...(as === undefined ? [] : shown(config, as)),
        ...(data === undefined ? [] : [option('data-raw', data.word), ...(headers['content-type'] === undefined ? [option('header', word(`content-type: ${/^\s*[[{]/.test(body ?? '') ? 'application/json' : 'text/plain; charset=utf-8'}`))] : [])]),
      ]
      const how = method === 'HEAD' ? '-I' : `-X ${method}`
      const settings = lines.length === 0 ? '' : ` -K <(${lines.join('; ')})`
      const { stream } = expect
      return [
        `{ said=$(curl -sS -m ${seconds} ${how} -w '\\n%{http_code}'${settings} ${word(url)} 2> /dev/null)`,
        `status=\${said##*$'\\n'} said=\${said%$'\\n'*}`,
        `[ "$status" = ${expect.status} ] && ${[fits({ json: expect.json, ...expect.text }), fits(expect.not === undefined ? undefined : { json: expect.not.json, ...expect.not.text }, true), fits(stream?.includes === undefined ? undefined : { includes: stream.includes }), fits(stream?.notIncludes === undefined ? undefined : { includes: stream.notIncludes }, true)].filter((one) => one !== 'true').join(' && ') || 'true'}; }`,
      ].join('; ')
    },
  }
}

/** How the credential is shown. */
function shown({ auth }: CheckConfig, as: Age): readonly string[] {
  if (auth === undefined || 'jwt' in auth) return []
  if ('basic' in auth) return [option('user', `"$${variable(as, 'user')}:$${variable(as, 'password')}"`)]
  return [option('header', 'bearer' in auth ? `"authorization: Bearer $${variable(as, auth.bearer)}"` : `"${auth.header}: $${variable(as, auth.field)}"`)]
}

function option(name: string, text: string): string {
  return `printf '${name} = %s\\n' "$(json ${text})"`
}
