import { describe, expect, it } from 'vitest'
import { call, mintNext, valueOf } from './acts.ts'
import { logIn, makeRealm, post, type Reached } from './outside.ts'
import { credentialOf, issuerAt, keysIn, kidOf, makeKey } from './world.ts'

/** What is special about the signing keys of a realm. */
export function keySuite(name: string, server: () => Reached): void {
  describe(`${name}: signing keys of a realm`, () => {
    it('the new one signs, what the old one signed is good until it is off and again when it is on; a lost answer makes no second', async () => {
      const realm = await makeRealm(server(), ['manage-realm'])
      const login = { client_id: realm.rotator.client, client_secret: realm.rotator.secret }
      const token = async () => (await logIn(server().url, realm.name, { grant_type: 'client_credentials', ...login })).access
      const isActive = async (shown: string) => (await post(server().url, realm.name, 'token/introspect', { ...login, token: shown })).body['active']
      const old = await token()
      const component = (await keysIn(server(), realm.name)).find(({ kid }) => kid === kidOf(old))?.providerId ?? ''
      const issuer = issuerAt(server().url, realm, { keys: {}, strategy: 'overlap' })
      const current = credentialOf(issuer, component, kidOf(old))
      expect(valueOf(await issuer.preflight(current, 'pending', call())).notices).toContainEqual(expect.stringMatching(/live for \d+ s: let `grace` be longer/))
      const next = await mintNext(issuer, current)
      expect((await mintNext(issuer, current)).id).toBe(next.id)
      const fresh = await token()
      expect(next.fields['secret']?.reveal() === kidOf(fresh)).toBe(true)
      for (const [state, works] of [['off', false], ['on', true], ['off', false], ['gone', false]] as const) {
        expect((await issuer.set(current.id, state, call())).is).toBe('done')
        expect(await isActive(old)).toBe(works)
        expect(await isActive(fresh)).toBe(true)
      }
      expect((await keysIn(server(), realm.name)).map(({ kid }) => kid)).toEqual([kidOf(fresh)])
      for (const state of ['off', 'gone'] as const) expect(await issuer.set(next.id, state, call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    })

    it('a right that is missing is named, and a key that does not sign is not taken for the current one', async () => {
      const realm = await makeRealm(server(), ['view-realm'])
      const [first] = await keysIn(server(), realm.name)
      const issuer = issuerAt(server().url, realm, { keys: {}, strategy: 'overlap' })
      const current = credentialOf(issuer, first?.providerId ?? '', first?.kid ?? '')
      expect(await issuer.mint({ credential: issuer.propose(current), tag: 'a' }, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('manage-realm') as string })
      await makeKey(server(), realm.name, 300)
      expect(await issuer.preflight(current, 'pending', call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('signs now') as string })
    })
  })
}
