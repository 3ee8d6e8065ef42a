import { readFile } from 'node:fs/promises'
import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import { reduceCause } from '../../kit/error.ts'
import { locate } from '../../outside/file/index.ts'
import { request } from '../../outside/http/index.ts'
import { type Sealer, sealerOf } from './seal.ts'

/** A certificate that ends so soon is told of. */
const SOON = 14 * 24 * 60 * 60_000

/** Where the controller gives its certificate: cmd/controller and https://github.com/bitnami-labs/sealed-secrets#public-key--certificate */
const PATH = '/v1/cert.pem'

export type Certificate = { readonly certificate: string; readonly controller?: undefined } | { readonly controller: string; readonly certificate?: undefined }

/**
 * The certificate that values are sealed with, read at this moment: of a file, or of the controller itself. Refused when it is not to
 * be had, is none, or has ended.
 */
export async function loadSealer(from: Certificate, host: Pick<Host, 'base' | 'now'>, call: Call): Promise<Answer<Sealer>> {
  const about = from.certificate ?? `the certificate of ${from.controller}`
  const pem = from.certificate === undefined ? await ofController(from.controller, about, call) : await ofFile(locate(from.certificate, host.base))
  if (pem.is !== 'done') return pem
  const sealer = sealerOf(pem.value, about)
  if (sealer.is !== 'done' || sealer.value.until > host.now()) return sealer
  return refused('REFERENCE_UNRESOLVED', `${about} ended on ${dateOf(sealer.value)}: fetch the one of now with \`kubeseal --fetch-cert\``)
}

/** What a reviewer must know of it. */
export function noticesOf(sealer: Sealer, from: Certificate, now: number): readonly string[] {
  const notices: string[] = []
  if (sealer.until - now < SOON) notices.push(`the certificate ends on ${dateOf(sealer)}`)
  if (from.controller !== undefined && /^http:\/\/(?!localhost(?:[:/]|$)|127\.|\[::1\])/.test(from.controller)) {
    notices.push('the certificate is fetched over http://: who answers in the controller\'s place can read what is sealed with it; keep it in a file')
  }
  return notices
}

function dateOf({ until }: Sealer): string {
  return new Date(until).toISOString().slice(0, 10)
}

async function ofFile(path: string): Promise<Answer<string>> {
  try {
    return done(await readFile(path, 'utf8'))
  } catch (thrown) {
    const { name, code = name } = reduceCause(thrown)
    return refused('REFERENCE_UNRESOLVED', `the certificate ${path}`, { cause: label(code) })
  }
}

async function ofController(url: string, about: string, call: Call): Promise<Answer<string>> {
  const answer = await request({ method: 'GET', url: `${url.replace(/\/+$/, '')}${PATH}` }, call)
  // Nothing was changed, whatever became of the question.
  if (answer.is !== 'done') return answer.is === 'unknown' ? refused(answer.code, answer.about) : answer
  const { status, text } = answer.value
  return status === 200 ? done(text) : refused('REFERENCE_UNRESOLVED', about, { status })
}
