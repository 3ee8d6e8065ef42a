import { type Answer, done, label, refused } from '../../kit/answer.ts'
import { durationOf } from '../../kit/duration.ts'
import { generate } from '../../kit/generate.ts'
import type { Known } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import type { Api } from './api.ts'
import { addKey, type KeyRecord, readKeys, readTokenLife, removeKey, turnKey } from './key-record.ts'
import { proveKey } from './key-probe.ts'
import type { Kind } from './kind.ts'
import type { IssuerConfig, KeysConfig } from './manifest.ts'

/** The id of a key that is not made yet. */
const PENDING = 'pending'

/** What key ids are written with: base64url. */
const KID = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * The signing keys of a realm. Keycloak makes the private key and keeps it to itself: what is recorded and proven is the key id (`kid`) that
 * tokens and the key set of the realm name. It is no secret, but stands in the field that is treated as one. The key with the highest
 * priority signs from the moment that it is there; the others verify until they are turned off.
 * https://www.keycloak.org/docs/latest/server_admin/#rotating-keys
 */
export function keysKind(config: IssuerConfig, keys: KeysConfig): Kind {
  const { algorithm, slots, cached } = keys
  const named = ({ component, kid }: KeyRecord) => ({ id: component, fields: { id: new Secret(component), secret: new Secret(kid) } })
  const all = (api: Api): Promise<readonly KeyRecord[]> => readKeys(api, algorithm)
  return {
    principal: ['keys', algorithm],
    traits: {
      value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'tag', slots, settle: 5_000, ends: ['off', 'gone'], fields: { id: 'plain', secret: 'secret' },
      ...(cached === undefined ? {} : { derivedLife: durationOf(cached) }),
    },
    idOf: ({ id }) => (id === undefined || id.reveal() === '' ? undefined : id.reveal()),
    propose: () => ({ id: PENDING, fields: {} }),
    wrong: (current) => ({ ...current, fields: { ...current.fields, secret: new Secret(generate(KID, 43)) } }),

    async ahead(api, current) {
      const there = await all(api)
      const own = there.find(({ component }) => component === current.id)
      const evidence = { on: there.length, slots }
      if (own === undefined) return refused('CREDENTIAL_REJECTED', `${label(current.id)} is not among the ${algorithm} keys of realm ${config.realm}`, evidence)
      if (there.length >= slots) return full(there.length)
      const signer = signerOf(there)
      if (signer !== own) return refused('PRECONDITION_FAILED', `another key than ${label(current.id)} signs now: ${label(signer?.component ?? 'none')}`, evidence)
      const life = await readTokenLife(api)
      return done({
        evidence: { ...evidence, priority: own.priority },
        notices: [
          'unfenced: Keycloak cannot tell an older owner from a newer one',
          'Keycloak does not show who still verifies with a key: set `quiet: 0s` to do without',
          `tokens that the old key signed live for ${life} s: let \`grace\` be longer, and longer than services keep the key set (\`cached\`)`,
        ],
      })
    },

    async observe(api) {
      const known = (await all(api)).map(({ component, enabled, tag }): Known => ({ id: component, state: enabled ? 'on' : 'off', uses: [], ...(tag === undefined ? {} : { tag }) }))
      return done({ known, complete: true, seenUpTo: 0 })
    },

    async mint(api, { tag }) {
      const there = await all(api)
      // Made by this very attempt, whose answer was lost.
      const own = there.find((one) => one.tag === tag)
      if (own !== undefined) return done({ credential: named(own), evidence: { priority: own.priority, again: true } })
      if (there.length >= slots) return full(there.length)
      const priority = Math.max(0, ...there.map((one) => one.priority)) + 10
      await addKey(api, { algorithm, size: keys.size, priority, tag })
      const made = (await all(api)).find((one) => one.tag === tag)
      if (made === undefined) return { is: 'unknown', code: 'RESPONSE_UNFIT', about: 'the new key is not listed' }
      return done({ credential: named(made), evidence: { priority, again: false } })
    },

    probe: ({ fields }, base, _asAdmin, call) => proveKey(base, config.realm, fields['secret'], call),

    async set(api, id, state) {
      const there = await all(api)
      const own = there.find(({ component }) => component === id)
      if (own === undefined) return state === 'gone' ? done({ evidence: { absent: true } }) : refused('PRINCIPAL_MISSING', `there is no key ${label(id)}`)
      // Without any Keycloak would make one of its own.
      if (state !== 'on' && !there.some((one) => one !== own && one.enabled)) return refused('NOT_NOW', `${label(id)} is the only key that signs`)
      if (state === 'gone') await removeKey(api, own)
      else if (own.enabled !== (state === 'on')) await turnKey(api, own, state === 'on')
      return done({ evidence: { absent: false } })
    },
  }

  function full(on: number): Answer<never> {
    return refused('SLOTS_FULL', `${on} of ${slots} ${algorithm} keys: delete those whose tokens have run out, or raise \`slots\``, { on })
  }
}

/** The key that Keycloak signs with: of those that are on the one with the highest priority. */
function signerOf(there: readonly KeyRecord[]): KeyRecord | undefined {
  return there.filter(({ active }) => active).toSorted((one, other) => other.priority - one.priority)[0]
}
