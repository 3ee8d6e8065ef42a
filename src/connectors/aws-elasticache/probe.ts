import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Answer, done, placeLabel, refused, unknown } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError, reduceCause } from '../../kit/error.ts'
import type { Verdict } from '../../kit/issuer.ts'
import type { Secret } from '../../kit/secret.ts'
import { optional } from '../../outside/aws/index.ts'
import type { IssuerConfig } from './manifest.ts'

type Endpoint = IssuerConfig['endpoints'][number]

/**
 * One fresh login over TLS: AUTH with the token alone, as clients of a token do it. `rejected` is WRONGPASS, or `ERR invalid password` of
 * engines before 6; whatever else comes back says nothing of the token.
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
 */
export async function probe({ ca }: Pick<IssuerConfig, 'ca'>, { base }: Pick<Host, 'base'>, { host, port }: Endpoint, token: Secret, call: Call): Promise<Answer<Verdict>> {
  const place = placeLabel(host, port)
  if (call.signal.aborted) return refused('DEADLINE', place)
  try {
    const { createClient, ErrorReply } = await optional('@redis/client', () => import('@redis/client'))
    const authorities = ca === undefined ? {} : { ca: await readAuthorities(resolve(base, ca)) }
    const client = createClient({
      password: token.reveal(), RESP: 2, disableClientInfo: true, maintNotifications: 'disabled',
      socket: { host, port, tls: true, ...authorities, reconnectStrategy: false, connectTimeout: Math.max(1, call.deadline - Date.now()) },
    })
    const over = (): void => {
      if (client.isOpen) client.destroy()
    }
    call.signal.addEventListener('abort', over)
    // What is under way fails by itself; unheard it would end the process.
    client.on('error', () => undefined)
    try {
      await client.connect()
      return done({ verdict: 'accepted', code: 'OK' })
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply)) throw thrown
      const rejected = /^(WRONGPASS|ERR invalid password)/.test(thrown.message)
      return done({ verdict: rejected ? 'rejected' : 'inconclusive', code: /^[A-Z]{2,20}/.exec(thrown.message)?.[0] ?? 'ERR' })
    } finally {
      call.signal.removeEventListener('abort', over)
      over()
    }
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    if (call.signal.aborted) return unknown('DEADLINE', place)
    const { name, code } = reduceCause(thrown)
    return unknown('UNREACHABLE', place, { cause: code ?? name })
  }
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new KeyturnError('STORE_MISSING', `the file that \`ca\` names cannot be read: ${path}`, { cause })
  }
}
