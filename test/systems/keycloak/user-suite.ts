import { describe, expect, it } from 'vitest'
import { call, mintNext, probed, valueOf } from './acts.ts'
import { fresh, logIn, makeRealm, makeRotator, makeUser, post, type Reached, type Realm, value } from './outside.ts'
import { credentialOf, issuerAt } from './world.ts'

/** Quick hashes: what they cost is no matter of these tests. */
const WEAK = 'hashAlgorithm(pbkdf2-sha256) and hashIterations(1)'

/** What is special about the password of a user. */
export function userSuite(name: string, server: () => Reached): void {
  let one: Promise<Realm> | undefined
  const world = async (more: object = {}) => {
    one ??= makeRealm(server(), ['manage-users'], { bruteForceProtected: true, failureFactor: 3, passwordPolicy: WEAK })
    const [realm, user, password] = [await one, fresh('ada'), `Aa1${value()}-`]
    const uuid = await makeUser(server(), realm.name, user, password)
    const issuer = issuerAt(server().url, realm, { user: { name: user, ...more } })
    return { realm, user, uuid, issuer, password, current: credentialOf(issuer, user, password) }
  }
  const begin = (realm: Realm, username: string, password: string) => logIn(server().url, realm.name, { grant_type: 'password', client_id: 'admin-cli', username, password, scope: 'openid' })
  const refreshed = async (realm: Realm, refresh: string) => (await post(server().url, realm.name, 'token', { grant_type: 'refresh_token', client_id: 'admin-cli', refresh_token: refresh })).body['error_description'] ?? 'a token'

  describe(`${name}: passwords of users`, () => {
    it('with the old password go its sessions, those of others live on (S2-75, I-24, I7)', async () => {
      const { realm, user, issuer, current, password } = await world()
      const [eve, other] = [fresh('eve'), value()]
      await makeUser(server(), realm.name, eve, other)
      const [own, theirs] = [await begin(realm, user, password), await begin(realm, eve, other)]
      const asks = async (token: string) => (await fetch(`${server().url}/admin/realms/${realm.name}/users`, { headers: { authorization: `Bearer ${token}` } })).status
      expect(await asks(own.access)).toBe(403)
      const next = await mintNext(issuer, current)
      expect(await probed(issuer, next)).toMatchObject({ value: { verdict: 'accepted', code: '200' } })
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'rejected', code: '401 invalid_grant' } })
      expect(await asks(own.access)).toBe(401)
      expect(await refreshed(realm, own.refresh)).toBe('Session not active')
      expect(await refreshed(realm, theirs.refresh)).toBe('a token')
      // Nothing of ours stays open.
      expect(valueOf(await issuer.observe(call())).known).toMatchObject([{ id: user, uses: [] }])
    })

    it('as long as it says `sessions: keep`, they live on', async () => {
      const { realm, user, issuer, current, password } = await world({ sessions: 'keep' })
      const own = await begin(realm, user, password)
      await mintNext(issuer, current)
      expect(await refreshed(realm, own.refresh)).toBe('a token')
    })

    it('proving locks nobody out, and a user who is locked gives no verdict (I12)', async () => {
      const { realm, user, issuer, current, password } = await world()
      const wrong = credentialOf(issuer, user, value())
      for (let tries = 0; tries < 4; tries += 1) expect(await probed(issuer, wrong)).toMatchObject({ value: { verdict: 'rejected' } })
      await begin(realm, user, password)
      for (let tries = 0; tries < 2; tries += 1) await post(server().url, realm.name, 'token', { grant_type: 'password', client_id: 'admin-cli', username: user, password: value() })
      // With the right password too, in the same words.
      await expect(begin(realm, user, password)).rejects.toThrow('401 invalid_grant')
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'inconclusive', code: 'locked' } })
      expect(await issuer.preflight(current, user, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('locked') as string })
    })

    it('a password policy that refuses is named, one with a history lets a mint be repeated', async () => {
      const { issuer, user, current, realm } = await world()
      const policy = (passwordPolicy: string) => server().ask('PUT', `/${realm.name}`, { passwordPolicy })
      await policy(`${WEAK} and length(8) and specialChars(1) and passwordHistory(3)`)
      try {
        expect(await issuer.mint({ credential: issuer.propose(current), tag: 'a' }, call())).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED', evidence: { error: 'invalidPasswordMinSpecialCharsMessage' } })
        expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'accepted' } })
        const special = issuerAt(server().url, realm, { user: { name: user, special: 2 } })
        const intent = { credential: special.propose(current), tag: 'a' }
        for (const again of [false, true]) expect(await special.mint(intent, call())).toMatchObject({ is: 'done', value: { evidence: { again } } })
        expect(await probed(special, intent.credential)).toMatchObject({ value: { verdict: 'accepted' } })
        // There is no way back to one of the history.
        expect(await special.mint({ credential: current, tag: 'b' }, call())).toMatchObject({ is: 'refused', code: 'REQUEST_REFUSED' })
      } finally {
        await policy(WEAK)
      }
    })

    it('rights that are missing are named; required actions, and the admin\'s own password, are refused before anything is changed (I4, C-35)', async () => {
      const { realm, user, issuer, uuid, current } = await world()
      const viewer = issuerAt(server().url, { ...realm, rotator: await makeRotator(server(), realm.name, ['view-users']) }, { user: { name: user } })
      for (const answer of [await viewer.preflight(current, user, call()), await viewer.mint({ credential: viewer.propose(current), tag: 'a' }, call())]) {
        expect(answer).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('manage-users') as string })
      }
      const { admin } = server()
      const master = { name: 'master', rotator: { client: '', secret: admin.password } }
      const self = issuerAt(server().url, master, { user: { name: admin.user }, admin: { user: admin.user.toUpperCase(), password: '${env:P}' } })
      expect(await self.preflight(credentialOf(self, admin.user, admin.password), admin.user, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('service account') as string })
      await server().ask('PUT', `/${realm.name}/users/${uuid}`, { requiredActions: ['UPDATE_PASSWORD'] })
      expect(await issuer.preflight(current, user, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('UPDATE_PASSWORD') as string })
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'inconclusive', code: '400 invalid_grant' } })
    })
  })
}
