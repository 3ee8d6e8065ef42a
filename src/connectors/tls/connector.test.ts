import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { type Certified, certify } from '../../../test/fixture/certificates.ts'
import type { Check } from '../../kit/check.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { callWithin } from '../../testing/call.ts'
import { checkSuite, type CheckWorld } from '../../testing/check.ts'
import { valueOf } from '../../testing/consumer.ts'
import { until } from '../../testing/until.ts'
import { type FakeTls, startTls } from './fake.ts'
import { openCheck } from './index.ts'
import { checkSchema } from './manifest.ts'

const DAY = 86_400_000
const secretName = generate(ALNUM, 24)
const authority = certify({ commonName: 'Test Authority' })
const good = certify({ commonName: secretName, names: ['db.test', '127.0.0.1'], by: authority })
let folder: string
let server: FakeTls

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-tls-'))
  writeFileSync(join(folder, 'ca.pem'), `${authority.cert}\n`)
  writeFileSync(join(folder, 'server.pem'), `${good.key}\n${good.cert}\n${authority.cert}\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function open(config: object, now: () => number = () => Date.now()): Check {
  return openCheck(checkSchema.parse({ host: '127.0.0.1', ca: 'ca.pem', ...config }), { base: folder, now })
}

async function started(served: Certified = good): Promise<FakeTls> {
  const fake = await startTls(served)
  onTestFinished(fake.close)
  return fake
}

async function world(postgres: string | undefined): Promise<CheckWorld> {
  const fake = await startTls(good)
  fake.postgres = postgres
  const config = { port: fake.port, name: 'db.test', ...(postgres === undefined ? {} : { startTls: 'postgres' }) }
  return {
    check: open({ ...config, expect: { minDays: 14, issuer: 'CN=Test Authority', certificate: 'server.pem' } }),
    wrong: open({ ...config, expect: { minDays: 365 } }),
    shown: [secretName, 'Test Authority'],
    break: async (fault) => {
      if (fault === 'gone') await fake.close()
      else fake.fault = fault
    },
    close: fake.close,
  }
}

checkSuite(proving({ connector: 'tls', as: 'check', on: 'fake' }), 'tls', () => world(undefined))
checkSuite(proving({ connector: 'tls', as: 'check', on: 'fake' }), 'tls of PostgreSQL', () => world('S'))

describe('a tls check', () => {
  beforeEach(async () => {
    server = await started()
  })

  /** Verdict, and what is not met or why nothing was seen. */
  async function look(config: object = {}, at: Pick<FakeTls, 'port'> = server): Promise<string> {
    const answer = await open({ port: at.port, ...config }).run(callWithin(10_000))
    if (answer.is === 'refused') return `${answer.code} ${answer.about ?? ''}`
    const { verdict, evidence } = valueOf(answer)
    return [verdict, evidence['unmet'], evidence['cause']].filter((part) => part !== undefined).join(' ')
  }

  it('tells days left, protocol and the beginning of the fingerprint', async () => {
    const { verdict, evidence } = valueOf(await open({ port: server.port }).run(callWithin(10_000)))
    const { took, ...rest } = evidence
    const fingerprint = new X509Certificate(good.cert).fingerprint256.replaceAll(':', '').toLowerCase()
    expect(verdict).toBe('pass')
    expect(rest).toEqual({ daysLeft: 89, protocol: 'TLSv1.3', fingerprint: fingerprint.slice(0, 16) })
    expect(took).toBeGreaterThanOrEqual(0)
  })

  it('fails when no authority that it knows has signed', async () => {
    server.serve(certify({ commonName: 'self', names: ['127.0.0.1'] }))
    expect(await look()).toBe('fail chain DEPTH_ZERO_SELF_SIGNED_CERT')
    server.serve(certify({ commonName: 'other', names: ['127.0.0.1'], by: certify({ commonName: 'Test Authority' }) }))
    expect(await look()).toMatch(/^fail chain [A-Z_]+$/)
    server.serve(good)
    expect(await look({ ca: undefined })).toMatch(/^fail chain [A-Z_]+$/)
  })

  it('fails when the certificate is for another name, and asks for the name by SNI', async () => {
    expect(await look({ name: 'db.test' })).toBe('pass')
    expect(await look({ name: 'other.test' })).toBe('fail name ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await look()).toBe('pass')
    expect(server.asked).toEqual(['db.test', 'other.test'])
    server.serve(certify({ commonName: '127.0.0.1', names: ['db.test'], by: authority }))
    expect(await look()).toBe('fail name ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('fails when it has ended, or ends in fewer days than are wanted', async () => {
    server.serve(certify({ commonName: 'x', names: ['127.0.0.1'], by: authority, days: -1 }))
    expect(await look()).toBe('fail chain CERT_HAS_EXPIRED')
    server.serve(certify({ commonName: 'x', names: ['127.0.0.1'], by: authority, days: 14.5 }))
    expect([await look({ expect: { minDays: 14 } }), await look({ expect: { minDays: 15 } })]).toEqual(['pass', 'fail minDays'])
    const later = open({ port: server.port, expect: { minDays: 14 } }, () => Date.now() + DAY)
    expect(valueOf(await later.run(callWithin(10_000)))).toMatchObject({ verdict: 'fail', evidence: { daysLeft: 13, unmet: 'minDays' } })
  })

  it('compares issuer and subject as a whole', async () => {
    expect(await look({ expect: { issuer: 'CN=Test .*', subject: `CN=${secretName}` } })).toBe('pass')
    expect(await look({ expect: { issuer: 'CN=Test' } })).toBe('fail issuer')
    expect(await look({ expect: { subject: 'CN=other' } })).toBe('fail subject')
  })

  it('fails while the server presents another certificate than the one that was published', async () => {
    const next = certify({ commonName: 'x', names: ['127.0.0.1'], by: authority })
    writeFileSync(join(folder, 'live.pem'), `${good.cert}\n`)
    expect(await look({ expect: { certificate: 'live.pem' } })).toBe('pass')
    // Published, not yet reloaded: the chain is good and the name is right, as with the old one.
    writeFileSync(join(folder, 'live.pem'), `${next.key}\n${next.cert}\n${good.cert}\n`)
    expect(await look({ expect: { certificate: 'live.pem' } })).toBe('fail certificate')
    server.serve(next)
    expect(await look({ expect: { certificate: 'live.pem' } })).toBe('pass')
  })

  it('fails while the server presents one that must be gone', async () => {
    const { fingerprint256 } = new X509Certificate(good.cert)
    for (const fingerprint of [fingerprint256, fingerprint256.replaceAll(':', '').toLowerCase()]) {
      expect(await look({ expect: { not: { fingerprints: ['00'.repeat(32), fingerprint] } } })).toBe('fail not:fingerprints')
    }
    server.serve(certify({ commonName: 'x', names: ['127.0.0.1'], by: authority }))
    expect(await look({ expect: { not: { fingerprints: [fingerprint256] } } })).toBe('pass')
  })

  it('refuses to look with a file that is missing or has no certificate', async () => {
    expect(await look({ ca: 'none.pem' })).toBe(`STORE_MISSING ${folder}/none.pem`)
    expect(await look({ expect: { certificate: 'none.pem' } })).toBe(`STORE_MISSING ${folder}/none.pem`)
    for (const text of [good.key, good.cert.replace(/\n.*\n/, '\nAAAA\n'), '']) {
      writeFileSync(join(folder, 'bad.pem'), text)
      expect(await look({ expect: { certificate: 'bad.pem' } })).toBe(`STORE_UNFIT ${folder}/bad.pem begins with no certificate that can be read`)
    }
  })

  it('trusts nobody when the file of authorities holds none', async () => {
    writeFileSync(join(folder, 'empty.pem'), 'nothing')
    expect(await look({ ca: 'empty.pem' })).not.toMatch(/^pass/)
  })

  it('fails when PostgreSQL says that it has no TLS, or says more than it may before the handshake', async () => {
    for (const answer of ['N', 'E', 'Sx']) {
      server.postgres = answer
      expect(await look({ startTls: 'postgres' })).toBe('fail handshake no-tls')
    }
    server.postgres = 'S'
    expect(await look({ startTls: 'postgres' })).toBe('pass')
  })

  it('fails when the server speaks no TLS, and sees nothing when there is none', async () => {
    server.fault = 'error'
    expect(await look()).toMatch(/^fail handshake (ERR_SSL_|EPROTO)/)
    server.fault = 'mute'
    expect([await look(), await look({ startTls: 'postgres' })]).toEqual(['inconclusive ECONNRESET', 'inconclusive ECONNRESET'])
    await server.close()
    expect(await look()).toBe('inconclusive ECONNREFUSED')
  })

  it('leaves no connection open', async () => {
    expect(await look({ timeout: '60s' })).toBe('pass')
    await until(() => server.open() === 0, 5_000)
  })

  it('takes only what can hold and can fail', () => {
    const parse = (expectation: object): boolean => checkSchema.safeParse({ host: 'db', port: 443, expect: expectation }).success
    const fine = [{}, { minDays: 14 }, { issuer: 'CN=.*' }, { not: { fingerprints: ['ab'.repeat(32)] } }]
    const bad = [{ minDays: -1 }, { issuer: '.*' }, { subject: '(' }, { not: {} }, { not: { fingerprints: [] } }, { not: { fingerprints: ['abcd'] } }]
    expect(fine.filter(parse)).toEqual(fine)
    expect(bad.filter(parse)).toEqual([])
  })
})
