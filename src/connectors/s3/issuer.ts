import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, Issuer, Preflight } from '../../kit/issuer.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { placeOf } from '../../outside/http/index.ts'
import { adminOf, type Listing } from './admin.ts'
import type { IssuerConfig } from './manifest.ts'
import { prove } from './proof.ts'
import type { AccessKey } from './signed.ts'

/** The longest that MinIO takes: 20 and 40. https://github.com/minio/minio/blob/master/internal/auth/credentials.go */
const [ID_LENGTH, SECRET_LENGTH] = [20, 40]
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

/** Access keys of one MinIO user: we choose id and value, so a mint without an answer is repeated. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const admin = adminOf(config, host)
  const about = `${config.user} at ${placeOf(config.endpoint)}`
  const addresses = new Map([config.endpoint, ...config.nodes].map((url) => [placeOf(url), url]))

  /** The access keys that this is about. */
  const ours = async (call: Call): Promise<Answer<Listing>> => {
    const seen = await admin.list(call)
    return seen.is === 'done' ? done({ ...seen.value, keys: seen.value.keys.filter(({ name }) => config.name === undefined || name === config.name) }) : seen
  }

  /** The id is there: an earlier attempt made it, if it is one of ours. */
  const mintAgain = async (key: AccessKey, conflict: Answer<never>, call: Call): Promise<Answer<void>> => {
    const seen = await ours(call)
    if (seen.is !== 'done') return seen
    if (!seen.value.keys.some(({ accessKey }) => accessKey === key.accessKeyId)) return conflict
    return admin.update(key.accessKeyId, { on: true, secretKey: key.secretAccessKey }, call)
  }

  return {
    traits: {
      value: 'chosen', mint: 'adds', acceptor: 'issuer', locate: 'value', slots: config.slots, settle: 5_000, ends: ['off', 'gone'],
      fields: { accessKeyId: 'plain', secretAccessKey: 'secret' },
    },
    identity: () => resourceKey('principal', 's3', placeOf(config.endpoint), config.user, config.name ?? ''),
    endpoints: () => [...addresses.keys()],
    idOf: (fields) => keyOf(fields)?.accessKeyId,

    propose() {
      const fields = { accessKeyId: new Secret(generate(ID_ALPHABET, ID_LENGTH)), secretAccessKey: new Secret(generate(ALNUM, SECRET_LENGTH)) }
      host.conceal(fields.secretAccessKey)
      return { id: fields.accessKeyId.reveal(), fields }
    },

    async preflight(current, next, call) {
      const seen = await ours(call)
      return seen.is === 'done' ? lookAhead(config, current, { ...seen.value, keys: seen.value.keys.filter(({ accessKey }) => accessKey !== next) }, about) : seen
    },

    async observe(call) {
      const seen = await ours(call)
      if (seen.is !== 'done') return seen
      const { keys, clock } = seen.value
      const known = keys.map(({ accessKey, on }) => ({ id: accessKey, state: on ? 'on' as const : 'off' as const, uses: [] }))
      // The server does not tell who used a key or when.
      return done({ known, complete: true, seenUpTo: 0, ...(clock === undefined ? {} : { clock }) })
    },

    async mint({ credential }, call) {
      const key = keyOf(credential.fields)
      if (key === undefined) return refused('INTERNAL', 'a credential without fields')
      const added = await admin.add(key.accessKeyId, key.secretAccessKey, config.name ?? 'keyturn', call)
      const made = added.is === 'refused' && added.code === 'CONFLICT' ? await mintAgain(key, added, call) : added
      return made.is === 'done' ? done({ credential, evidence: {} }) : made
    },

    async probe({ fields }, endpoint, call) {
      const [key, at] = [keyOf(fields), addresses.get(endpoint)]
      if (key === undefined || at === undefined) return refused('INTERNAL', 'no such endpoint, or a credential without fields')
      return prove(at, config, key, call)
    },

    async set(id, state, call) {
      const seen = await ours(call)
      if (seen.is !== 'done') return seen
      // Looked for first: an access key of somebody else is not touched, whatever is recorded.
      const found = seen.value.keys.find(({ accessKey }) => accessKey === id)
      if (found === undefined) return state === 'gone' ? done({ evidence: {} }) : refused('PRINCIPAL_MISSING', `an access key of ${about}`)
      const ended = state === 'gone' ? await admin.remove(id, call) : await admin.update(id, { on: state === 'on' }, call)
      return ended.is === 'done' ? done({ evidence: {} }) : ended
    },

    // Every request has a connection of its own.
    close: async () => undefined,
  }
}

function keyOf({ accessKeyId, secretAccessKey }: Fields): AccessKey | undefined {
  return accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId: accessKeyId.reveal(), secretAccessKey }
}

function lookAhead(config: IssuerConfig, current: Credential, { keys }: Listing, about: string): Answer<Preflight> {
  if (current.id === config.user) return refused('PRECONDITION_FAILED', `the value in use is the user ${about} itself, whose end would end all of its access keys: make an access key first`)
  if (!keys.some(({ accessKey, on }) => accessKey === current.id && on)) {
    return refused('PRINCIPAL_MISSING', `the access key in use is none of ${about}${config.name === undefined ? '' : ` with the name ${config.name}`}`)
  }
  if (keys.length >= config.slots) return refused('SLOTS_FULL', `${keys.length} access keys of ${about}`, { keys: keys.length, slots: config.slots })
  return done({
    evidence: { keys: keys.length, slots: config.slots },
    fenced: false,
    notices: [
      'MinIO does not show when an access key was last used: set `quiet: 0s`, or answer for it with --acknowledge usage',
      'The server cannot tell an older owner from a newer one.',
      ...(config.name === undefined ? [`Every access key of ${config.user} counts as one of this secret: set \`name\` where there are others.`] : []),
    ],
  })
}
