import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccount, createUser, encodeUser } from '@nats-io/jwt'
import { expect, it } from 'vitest'
import { openIssuer } from '../../../src/connectors/nats/index.ts'
import { issuerSchema } from '../../../src/connectors/nats/manifest.ts'
import type { Credential, Issuer } from '../../../src/kit/issuer.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { certify } from '../../fixture/certificates.ts'
import { hostOf } from '../../servers/nats.ts'
import { startNatsServer } from './server.ts'
import { natsServers } from './system.ts'

const call = () => callWithin(10_000)
const program = await natsServers[0].bring()

it('reaches a server by TLS, checks its certificate against `ca`, and takes nothing else for a verdict', async () => {
  const authority = certify({ commonName: 'Test authority' })
  const server = await startNatsServer(program, { tls: certify({ commonName: 'nats', names: ['127.0.0.1'], by: authority }) })
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-nats-ca-'))
  try {
    const [ca, other] = [join(folder, 'ca.pem'), join(folder, 'other.pem')]
    writeFileSync(ca, authority.cert)
    writeFileSync(other, certify({ commonName: 'Another' }).cert)
    const [account, user] = [createAccount(), createUser()]
    const current: Credential = {
      id: user.getPublicKey(),
      fields: { jwt: new Secret(await encodeUser('worker', user, account, {})), seed: new Secret(Buffer.from(user.getSeed()).toString()) },
    }
    const env = { NATS_SYSTEM: server.realm.system, NATS_SIGNER: Buffer.from(account.getSeed()).toString(), NATS_OPERATOR: server.realm.operator }
    const open = (url: string, more: object): Issuer => openIssuer(issuerSchema.parse({
      servers: [url], system: '${env:NATS_SYSTEM}', account: account.getPublicKey(), user: 'worker', signer: '${env:NATS_SIGNER}', operator: '${env:NATS_OPERATOR}', ...more,
    }), hostOf(env))
    const verdictOf = async (url: string, more: object): Promise<string> => {
      const answer = await open(url, more).probe(current, url, call())
      return answer.is === 'done' ? answer.value.verdict : answer.is
    }
    const [secure, plain] = [`tls://127.0.0.1:${server.port}`, `nats://127.0.0.1:${server.port}`]
    // The server does not know the account, and says so: then TLS stands.
    expect(await verdictOf(secure, { ca })).toBe('rejected')
    expect(await open(secure, { ca }).preflight(current, 'next', call())).toMatchObject({ is: 'refused', code: 'PRINCIPAL_MISSING' })
    expect([await verdictOf(secure, {}), await verdictOf(secure, { ca: other }), await verdictOf(plain, {})]).toEqual(['inconclusive', 'inconclusive', 'inconclusive'])
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
