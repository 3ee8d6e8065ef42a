import { describe, expect, it } from 'vitest'
import { call, mintNext, probed, valueOf } from './acts.ts'
import { makeClient, makeRealm, makeRotator, type Reached, type Realm, rotateSecrets, value } from './outside.ts'
import { credentialOf, issuerAt } from './world.ts'

/** A document of Keycloak with its lists of words in order: those that are sets there come in any. */
function steady(seen: unknown): unknown {
  if (Array.isArray(seen)) return seen.every((one) => typeof one === 'string') ? seen.toSorted() : seen.map(steady)
  return typeof seen === 'object' && seen !== null ? Object.fromEntries(Object.entries(seen).map(([key, one]) => [key, steady(one)])) : seen
}

/** What is special about the secret of a client: on the fake and on the real server. */
export function clientSuite(name: string, server: () => Reached): void {
  let [plain, rotating]: (Promise<Realm> | undefined)[] = []
  const realmOf = (): Promise<Realm> => (plain ??= makeRealm(server(), ['manage-clients']))
  const rotatingRealm = (): Promise<Realm> => (rotating ??= makeRealm(server(), ['manage-clients']).then(async (realm) => {
    await rotateSecrets(server(), realm.name)
    return realm
  }))
  const world = async (realm: Realm, more: object = {}) => {
    const client = await makeClient(server(), realm.name)
    const issuer = issuerAt(server().url, realm, { client: { id: client.id }, ...more })
    const seen = async () => (await server().ask('GET', `/${realm.name}/clients/${client.uuid}`)).body as Record<string, unknown>
    return { client, issuer, seen, current: credentialOf(issuer, client.id, client.secret) }
  }

  describe(`${name}: secrets of clients`, () => {
    it('in place: new hears invalid_grant, old is refused in the words of the server, and everything else of the client stays (S0-41, I-25)', async () => {
      const { client, issuer, seen, current } = await world(await realmOf())
      const before = await seen()
      const next = await mintNext(issuer, current)
      expect(await probed(issuer, next)).toMatchObject({ value: { verdict: 'accepted', code: '400 invalid_grant' } })
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'rejected', code: '401 unauthorized_client' } })
      expect(steady({ ...(await seen()), secret: client.secret })).toEqual(steady(before))
    })

    it('beside each other: what somebody else edits in between survives, and the old one is revoked alone', async () => {
      const realm = await rotatingRealm()
      const { client, issuer, seen, current } = await world(realm, { strategy: 'overlap' })
      const next = await mintNext(issuer, current)
      await server().ask('PUT', `/${realm.name}/clients/${client.uuid}`, { authorizationServicesEnabled: true, attributes: { team: 'graph' } })
      for (const one of [current, next]) expect(await probed(issuer, one)).toMatchObject({ value: { verdict: 'accepted' } })
      expect((await issuer.set(current.id, 'gone', call())).is).toBe('done')
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'rejected' } })
      expect(await probed(issuer, next)).toMatchObject({ value: { verdict: 'accepted' } })
      expect(await seen()).toMatchObject({ attributes: { team: 'graph' }, authorizationServicesEnabled: true })
      // The last one is not ended.
      expect(await issuer.set(next.id, 'gone', call())).toMatchObject({ is: 'refused', code: 'NOT_NOW' })
    })

    it('a run that was killed between its two requests is gone on with, and one that goes back leaves the old one alone in place', async () => {
      const realm = await rotatingRealm()
      const { client, issuer, seen, current } = await world(realm, { strategy: 'overlap' })
      const until = String(Math.floor(Date.now() / 1_000) + 3_600)
      const parked = { 'client.secret.rotated': client.secret, 'client.secret.rotated.creation.time': until, 'client.secret.rotated.expiration.time': until }
      await server().ask('PUT', `/${realm.name}/clients/${client.uuid}`, { authorizationServicesEnabled: true, attributes: parked })
      expect(valueOf(await issuer.observe(call())).known.map(({ id }) => id)).toEqual([current.id])
      const next = await mintNext(issuer, current)
      expect(valueOf(await issuer.observe(call())).known.map(({ id }) => id)).toEqual([next.id, current.id])
      expect((await issuer.set(next.id, 'gone', call())).is).toBe('done')
      expect(await probed(issuer, next)).toMatchObject({ value: { verdict: 'rejected' } })
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'accepted' } })
      expect((await seen())['secret'] === client.secret).toBe(true)
    })

    it('without a client policy the mint is refused before anything changes', async () => {
      const { issuer, seen, current } = await world(await realmOf(), { strategy: 'overlap' })
      const before = steady(await seen())
      const answer = await issuer.mint({ credential: issuer.propose(current), tag: 'a' }, call())
      expect(answer).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('secret-rotation') as string })
      expect(steady(await seen())).toEqual(before)
    })

    it('a secret that ran out by a policy is left alone: at any change Keycloak draws another one by itself', async () => {
      const realm = await rotatingRealm()
      const { client, seen } = await world(realm)
      // The policy notes an end at the first change.
      await server().ask('PUT', `/${realm.name}/clients/${client.uuid}`, { authorizationServicesEnabled: true })
      const later = (): number => Date.now() + 31 * 86_400_000
      const issuer = issuerAt(server().url, realm, { client: { id: client.id } }, later)
      const current = credentialOf(issuer, client.id, client.secret)
      const before = steady(await seen())
      expect(await issuer.preflight(current, current.id, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      expect(await issuer.mint({ credential: issuer.propose(current), tag: 'a' }, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      expect(steady(await seen())).toEqual(before)
      await server().ask('PUT', `/${realm.name}/clients/${client.uuid}`, { authorizationServicesEnabled: true, attributes: { 'client.secret.expiration.time': '1' } })
      expect((await seen())['secret'] === client.secret).toBe(false)
    })

    it('a client that is disabled gives no verdict, and a public one proves nothing (I12)', async () => {
      const realm = await realmOf()
      const { client, issuer, current } = await world(realm)
      const put = (body: object) => server().ask('PUT', `/${realm.name}/clients/${client.uuid}`, { authorizationServicesEnabled: true, ...body })
      await put({ enabled: false })
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'inconclusive', code: '401 invalid_client' } })
      expect(await issuer.preflight(current, current.id, call())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED' })
      await server().ask('PUT', `/${realm.name}/clients/${client.uuid}`, { enabled: true, publicClient: true })
      expect(await issuer.preflight(current, current.id, call())).toMatchObject({ is: 'refused', code: 'PROBE_MEANINGLESS' })
    })

    it('a right that is missing is named, nothing is changed, and the client that keyturn logs in as is never rotated (I4)', async () => {
      const realm = await realmOf()
      const { client, issuer, current } = await world(realm)
      const nobody = issuerAt(server().url, { ...realm, rotator: await makeRotator(server(), realm.name, []) }, { client: { id: client.id } })
      expect(await nobody.preflight(current, current.id, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('view-clients') as string })
      const blind = issuerAt(server().url, { ...realm, rotator: await makeRotator(server(), realm.name, ['view-clients']) }, { client: { id: client.id } })
      for (const answer of [await blind.preflight(current, current.id, call()), await blind.mint({ credential: blind.propose(current), tag: 'a' }, call())]) {
        expect(answer).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('manage-clients') as string })
      }
      expect(await probed(issuer, current)).toMatchObject({ value: { verdict: 'accepted' } })
      const rotator = await makeRotator(server(), realm.name, ['manage-clients'])
      const self = issuerAt(server().url, { ...realm, rotator }, { client: { id: rotator.client } })
      const own = credentialOf(self, rotator.client, rotator.secret)
      expect(await self.preflight(own, own.id, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('another admin') as string })
      const wrong = issuerAt(server().url, { ...realm, rotator: { ...rotator, secret: value() } }, { client: { id: client.id } })
      expect(await wrong.observe(call())).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
    })
  })
}
