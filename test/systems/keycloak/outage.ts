import { describe, expect, it } from 'vitest'
import { callWithin } from '../../../src/testing/call.ts'
import { forwardTo, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import { valueOf } from './acts.ts'
import { makeClient, makeRealm, rotateSecrets } from './outside.ts'
import type { Keycloak } from './server.ts'
import { credentialOf, issuerAt } from './world.ts'

/** A server that stands still in the middle of what it was asked. */
export function outageSuite(server: () => Keycloak): void {
  describe('keycloak in an outage of seconds', () => {
    it('a server that stops before the login has done nothing, and one that stops in the middle is unknown; both are gone on with, without another secret', async () => {
      const realm = await makeRealm(server(), ['manage-clients'])
      await rotateSecrets(server(), realm.name)
      const client = await makeClient(server(), realm.name)
      const forward = forwardTo(server().url)
      let stopped: Promise<unknown> | undefined
      const front = await startFaultyHttp({
        isEffect: () => false,
        answer: async (asked) => {
          if (asked.method === 'PUT' && stopped === undefined) {
            server().pause()
            const answer = forward(asked)
            stopped = answer.catch(() => undefined)
            return answer
          }
          // What stands still is done before what is asked after it: the engine looks again only when the trait `settle` is over.
          await stopped
          return forward(asked)
        },
      })
      try {
        const issuer = issuerAt(front.url, realm, { client: { id: client.id }, strategy: 'overlap' })
        const current = credentialOf(issuer, client.id, client.secret)
        const intent = { credential: issuer.propose(current), tag: 'a' }
        server().pause()
        expect(await issuer.mint(intent, callWithin(1_000))).toMatchObject({ is: 'refused', code: 'DEADLINE' })
        expect(await issuer.observe(callWithin(500))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
        server().resume()
        expect(await issuer.mint(intent, callWithin(3_000))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
        server().resume()
        expect(await issuer.mint(intent, callWithin(30_000))).toMatchObject({ is: 'done' })
        expect(valueOf(await issuer.observe(callWithin(30_000))).known.map(({ id }) => id)).toEqual([intent.credential.id, current.id])
        for (const one of [current, intent.credential]) expect(await issuer.probe(one, issuer.endpoints()[0] ?? '', callWithin(30_000))).toMatchObject({ value: { verdict: 'accepted' } })
      } finally {
        server().resume()
        await front.close()
      }
    })
  })
}
