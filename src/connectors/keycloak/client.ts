import { scryptSync } from 'node:crypto'
import { type Answer, done, label, refused, unknown } from '../../kit/answer.ts'
import { durationOf } from '../../kit/duration.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Known } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import type { Api } from './api.ts'
import { type ClientRecord, dropRotated, keepSecret, readClient, writeSecret } from './client-record.ts'
import { proveClient } from './client-probe.ts'
import type { Kind } from './kind.ts'
import type { ClientConfig, IssuerConfig } from './manifest.ts'

/**
 * The secret of a confidential client. In place there is one, and the old one is refused from the mint on. With `overlap` Keycloak keeps the
 * old one beside it, as its own rotation of client secrets does; which of the two a service shows, it does not tell. The value is ours
 * either way: a mint whose answer was lost is done again to the same end.
 * https://www.keycloak.org/docs/latest/server_admin/#_secret_rotation
 */
export function clientKind(config: IssuerConfig, { id: clientId, keep, derivedLife }: ClientConfig, now: () => number): Kind {
  const overlaps = config.strategy === 'overlap'
  const digests = new Map<string, string>()
  /** Ids are shown, so what tells two secrets of one client apart is a slow digest: a fast one would help who guesses. */
  const idOfSecret = (secret: Secret): string => {
    if (!overlaps) return clientId
    const value = secret.reveal()
    const digest = digests.get(value) ?? scryptSync(value, `keyturn/keycloak/${config.realm}/${clientId}`, 6, { N: 4096 }).toString('hex')
    digests.set(value, digest)
    return `${clientId}#${digest}`
  }
  const fresh = (secret: Secret) => ({ id: idOfSecret(secret), fields: { id: new Secret(clientId), secret } })
  /** The old secret while it is accepted beside the new one. */
  const kept = ({ secret, rotated }: ClientRecord): Secret | undefined => (rotated === undefined || rotated.until <= now() || rotated.secret.equals(secret) ? undefined : rotated.secret)

  return {
    principal: ['client', clientId],
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { id: 'plain', secret: 'secret' }, settle: 2_000,
      ...(overlaps ? { mint: 'adds', slots: 2, ends: ['gone'] } : { mint: 'replaces', slots: 1, ends: [] }),
      ...(derivedLife === undefined ? {} : { derivedLife: durationOf(derivedLife) }),
    },
    idOf: ({ id, secret }) => (id?.reveal() !== clientId || secret === undefined ? undefined : idOfSecret(secret)),
    propose: () => fresh(new Secret(generate(ALNUM, config.length))),
    wrong: (current) => ({ ...current, fields: { ...current.fields, secret: new Secret(generate(ALNUM, config.length)) } }),

    async ahead(api, current) {
      const client = await readClient(api, clientId)
      const unfit = whyUnfit(client, clientId) ?? whyExpired(client, now()) ?? whySelf(config, clientId)
      if (unfit !== undefined) return unfit
      if (idOfSecret(client.secret) !== current.id) return refused('CREDENTIAL_REJECTED', `${label(current.id)} is not the secret of client ${clientId}`)
      const older = kept(client)
      if (overlaps && older !== undefined) return full(clientId, client)
      return done({
        evidence: { client: label(clientId), enabled: client.enabled, policy: client.expires !== undefined },
        notices: noticesOf(client, overlaps, older !== undefined),
      })
    },

    async observe(api) {
      const client = await readClient(api, clientId)
      const all = [client.secret, ...(overlaps ? [kept(client)] : [])].filter((one) => one !== undefined)
      const known: Known[] = all.map((secret) => ({ id: idOfSecret(secret), state: 'on', uses: [] }))
      // Keycloak does not tell which secret a service shows: `seenUpTo` 0 says so.
      return done({ known, complete: true, seenUpTo: 0 })
    },

    async mint(api, { credential }) {
      const { secret } = credential.fields
      if (secret === undefined || idOfSecret(secret) !== credential.id) return refused('PRINCIPAL_MISSING', `${label(credential.id)} is not of client ${clientId}`)
      const client = await readClient(api, clientId)
      const expired = whyExpired(client, now())
      if (expired !== undefined) return expired
      if (client.secret.equals(secret)) return done({ credential, evidence: { client: label(clientId), again: true } })
      const old = overlaps ? await keepOld(api, client) : undefined
      if (old !== undefined && old.is !== 'done') return old
      await writeSecret(api, client, secret)
      const after = await readClient(api, clientId)
      // A policy that came into force meanwhile draws a secret of its own.
      if (!after.secret.equals(secret)) return unknown('RESPONSE_UNFIT', `client ${clientId} has another secret than the one that was set`)
      return done({ credential, evidence: { client: label(clientId), again: false } })
    },

    probe: (credential, base, asAdmin, call) => proveClient({ base, realm: config.realm, clientId }, credential, asAdmin, call),

    async set(api, id, state) {
      const client = await readClient(api, clientId)
      const older = kept(client)
      const [isNow, isOlder] = [idOfSecret(client.secret) === id, older !== undefined && idOfSecret(older) === id]
      if (state === 'on') return isNow || isOlder ? done({ evidence: {} }) : refused('NOT_NOW', 'a secret that is gone cannot be brought back')
      if (state === 'off' || !overlaps) return refused('NOT_NOW', 'a client secret cannot be turned off for a time')
      if (isNow && older === undefined) return refused('NOT_NOW', `it is the only secret of client ${clientId}`)
      const expired = isNow ? whyExpired(client, now()) : undefined
      if (expired !== undefined) return expired
      // Back to the old one: for a moment it stands in both places.
      if (isNow && older !== undefined) await writeSecret(api, client, older)
      const isHalfway = client.rotated?.secret.equals(client.secret) === true
      if (isNow || isOlder || isHalfway) await dropRotated(api, client)
      return done({ evidence: { absent: !isNow && !isOlder } })
    },
  }

  /** The secret of now in both places, so that the next step takes nothing away from anybody. Done when it stands there already. */
  async function keepOld(api: Api, client: ClientRecord): Promise<Answer<void>> {
    if (kept(client) !== undefined) return full(clientId, client)
    await keepSecret(api, client, now(), now() + durationOf(keep))
    const parked = await readClient(api, clientId)
    if (parked.rotated?.secret.equals(client.secret) === true) return done(undefined)
    // Nothing that is accepted has changed so far.
    return refused('PRECONDITION_FAILED', `Keycloak does not keep a second secret of client ${clientId}: no client policy with the executor secret-rotation applies to it, or the feature client-secret-rotation is off; use in-place`)
  }
}

function whyUnfit({ enabled, unfit, configurable }: ClientRecord, id: string): Answer<never> | undefined {
  if (unfit === 'public') return refused('PROBE_MEANINGLESS', `client ${id} is public: whatever secret it shows is let in`)
  if (unfit !== undefined) return refused('PRECONDITION_FAILED', unfit === 'bearer-only' ? `client ${id} is bearer-only: it never shows a secret` : `client ${id} does not prove itself by its secret alone (Client Authenticator)`)
  if (!enabled) return refused('PRECONDITION_FAILED', `client ${id} is disabled`)
  return configurable ? undefined : refused('RIGHTS_MISSING', `the role manage-clients, to change client ${id}`)
}

/** At the next update of such a client, whatever it says, Keycloak draws a new secret by itself. */
function whyExpired({ expires }: ClientRecord, now: number): Answer<never> | undefined {
  if (expires === undefined || expires > now) return undefined
  return refused('PRECONDITION_FAILED', `the secret ran out at ${new Date(expires).toISOString()} by a client policy: Keycloak would draw one of its own at the next change; regenerate it there and adopt that`)
}

/** What keyturn itself works with is never ended (I4). */
function whySelf({ admin, realm }: IssuerConfig, id: string): Answer<never> | undefined {
  if (admin.realm !== realm || (admin.client ?? 'admin-cli') !== id) return undefined
  return refused('RIGHTS_MISSING', `the admin logs in as client ${id}, which is what is rotated; give another admin`)
}

function full(id: string, { rotated }: ClientRecord): Answer<never> {
  return refused('SLOTS_FULL', `client ${id} has a rotated secret already: see that nobody uses it and revoke it, or wait until ${new Date(rotated?.until ?? 0).toISOString()}`, { on: 2 })
}

function noticesOf({ expires }: ClientRecord, overlaps: boolean, older: boolean): readonly string[] {
  return [
    'unfenced: Keycloak cannot tell an older owner from a newer one',
    ...(expires === undefined ? [] : [`by a client policy the secret of now runs out at ${new Date(expires).toISOString()}, whoever uses it`]),
    ...(overlaps ? ['Keycloak does not show who uses which secret: set `quiet: 0s` to do without'] : []),
    ...(overlaps && expires === undefined ? ['whether a client policy keeps the old secret shows at the mint, which is refused before anything changes if none does'] : []),
    ...(older && !overlaps ? ['an older secret is accepted too, until its own end'] : []),
  ]
}
