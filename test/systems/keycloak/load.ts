import { describe, expect, it } from 'vitest'
import { callWithin } from '../../../src/testing/call.ts'
import { proves } from '../claims.ts'
import { tellGap } from '../rig/gap.ts'
import { rotateUnderLoad } from '../rig/under-load.ts'
import { makeClient, makeRealm, rotateSecrets } from './outside.ts'
import type { Keycloak } from './server.ts'
import { credentialOf, issuerAt } from './world.ts'

/** A live service of two instances, each of whose operations gets a token with the client secret, while that is rotated through the command line. */
export function loadSuite(server: () => Keycloak): void {
  const live = async (strategy: 'overlap' | 'in-place') => {
    const realm = await makeRealm(server(), ['manage-clients'])
    if (strategy === 'overlap') await rotateSecrets(server(), realm.name)
    const client = await makeClient(server(), realm.name)
    const lived = await rotateUnderLoad({
      issuer: { use: 'keycloak', url: server().url, realm: realm.name, admin: { realm: realm.name, client: realm.rotator.client, secret: '${env:ROTATOR_SECRET}' }, client: { id: client.id }, strategy },
      bind: { OIDC_CLIENT_ID: '{id}', OIDC_CLIENT_SECRET: '{secret}' },
      client: new URL('client.ts', import.meta.url),
      env: { OIDC_ISSUER_URL: `${server().url}/realms/${realm.name}`, OIDC_CLIENT_ID: client.id, OIDC_CLIENT_SECRET: client.secret, LOG_LEVEL: 'info' },
      admin: { ROTATOR_SECRET: realm.rotator.secret },
      // Keycloak does not tell which secret a client shows.
      secret: { quiet: '0s' },
      field: 'secret',
      // The gap is short: of fewer operations none may fall into it.
      rate: strategy === 'overlap' ? 8 : 30,
    })
    const issuer = issuerAt(server().url, realm, { client: { id: client.id }, strategy })
    const verdict = async (secret: string) => {
      const seen = await issuer.probe(credentialOf(issuer, client.id, secret), issuer.endpoints()[0] ?? '', callWithin(10_000))
      return seen.is === 'done' ? seen.value.code : seen.is
    }
    expect(lived.ran, lived.ran.said).toMatchObject({ code: 0 })
    expect([lived.env['OIDC_CLIENT_ID'], lived.env['LOG_LEVEL']]).toEqual([client.id, 'info'])
    expect(await verdict(client.secret)).toBe('401 unauthorized_client')
    expect(await verdict(lived.env['OIDC_CLIENT_SECRET'] ?? '')).toBe('400 invalid_grant')
    return lived.report
  }

  describe('keycloak under load, the old secret beside the new one', () => {
    proves(() => ({ connector: 'keycloak', as: 'load', strategy: 'overlap', on: server().says }))

    it('no token is refused to a service with two instances while its client secret is rotated (G-03, I-25)', async () => {
      const report = await live('overlap')
      expect(report, JSON.stringify(report)).toMatchObject({ failed: 0, reasons: {} })
      expect(report.requests).toBeGreaterThan(40)
    })
  })

  it('in place tokens are refused for a moment, which is measured and told (G-04)', async ({ task }) => {
    const report = await live('in-place')
    tellGap(task, `keycloak, one client secret, ${server().says}`, report)
    expect(Object.keys(report.reasons), JSON.stringify(report)).toContain('500 unauthorized_client')
  })
}
