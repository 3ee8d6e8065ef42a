import type { X509Certificate } from 'node:crypto'
import { type Answer, done, type Evidence, label } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { durationOf } from '../../kit/duration.ts'
import { isLike } from '../../outside/anchored.ts'
import { causeOf } from '../../outside/dial.ts'
import { locate } from '../../outside/file/index.ts'
import { readCertificate, readText } from './certificate-file.ts'
import { NoTls, type Presented, shakeHands } from './handshake.ts'
import type { CheckConfig } from './manifest.ts'

const DAY = 86_400_000
/** So many digits of a fingerprint tell certificates apart for who reads the evidence. */
const SHOWN = 16

/**
 * A check of the certificate that a server presents. Evidence holds the days that are left, the protocol, the beginning of the
 * fingerprint and the name of the expectation that does not hold. What could not be looked at (no connection, deadline, a
 * connection that is cut) is `inconclusive`; a server that answers and speaks no TLS fails.
 */
export function openCheck(config: CheckConfig, host: Pick<Host, 'base' | 'now'>): Check {
  return {
    traits: { takesCredential: false },
    title: () => `tls ${config.host}:${config.port}`,
    run: async (call) => {
      const ca = config.ca === undefined ? done(undefined) : await readText(locate(config.ca, host.base))
      if (ca.is !== 'done') return ca
      const published = await readPublished(config.expect.certificate, host.base)
      if (published.is !== 'done') return published
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))])
      const began = host.now()
      const seen = await look(config, ca.value, signal)
      const took = host.now() - began
      if (!('certificate' in seen)) return done({ ...seen, evidence: { took, ...seen.evidence } })
      const evidence = describe(seen, host.now(), took)
      const unmet = judge(seen, config.expect, published.value, host.now())
      return done(unmet === undefined ? { verdict: 'pass', evidence } : { verdict: 'fail', evidence: { ...evidence, ...unmet } })
    },
  }
}

async function readPublished(file: string | undefined, base: string): Promise<Answer<X509Certificate | undefined>> {
  return file === undefined ? done(undefined) : readCertificate(locate(file, base))
}

/** What the server presents, or why nothing could be seen. */
async function look({ host, port, name = host, startTls }: CheckConfig, ca: string | undefined, signal: AbortSignal): Promise<Presented | CheckResult> {
  try {
    return await shakeHands({ host, port, name, startTls, ca }, signal)
  } catch (thrown) {
    const cause = label(causeOf(thrown, signal))
    const answered = thrown instanceof NoTls || /^(?:ERR_SSL_|ERR_TLS_|EPROTO)/.test(cause)
    if (!signal.aborted && answered) return { verdict: 'fail', evidence: { unmet: 'handshake', cause: thrown instanceof NoTls ? 'no-tls' : cause } }
    return { verdict: 'inconclusive', evidence: { cause } }
  }
}

function describe({ certificate, protocol }: Presented, now: number, took: number): Evidence {
  return { daysLeft: daysLeft(certificate, now), protocol: label(protocol), fingerprint: hexOf(certificate).slice(0, SHOWN), took }
}

/** The first expectation that does not hold, by its name; undefined when all do. */
function judge({ certificate, distrust }: Presented, expect: CheckConfig['expect'], published: X509Certificate | undefined, now: number): Evidence | undefined {
  const { minDays, issuer, subject, not } = expect
  const hex = hexOf(certificate)
  if (distrust !== undefined) return { unmet: distrust === 'ERR_TLS_CERT_ALTNAME_INVALID' ? 'name' : 'chain', cause: label(distrust) }
  if (daysLeft(certificate, now) < minDays) return { unmet: 'minDays' }
  if (issuer !== undefined && !isLike(oneLine(certificate.issuer), issuer)) return { unmet: 'issuer' }
  if (subject !== undefined && !isLike(oneLine(certificate.subject), subject)) return { unmet: 'subject' }
  if (published !== undefined && hexOf(published) !== hex) return { unmet: 'certificate', published: hexOf(published).slice(0, SHOWN) }
  if (not?.fingerprints.some((each) => each.replaceAll(':', '').toLowerCase() === hex) === true) return { unmet: 'not:fingerprints' }
  return undefined
}

function daysLeft(certificate: X509Certificate, now: number): number {
  return Math.floor((certificate.validToDate.getTime() - now) / DAY)
}

function hexOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase()
}

/** `C=US, O=Example, CN=R1`: Node has every part on a line of its own. */
function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ')
}
