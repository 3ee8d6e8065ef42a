import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import type { Entries, Store } from '../../kit/store.ts'
import { checkRights, type Cluster, clusterName, isReason, type Right, withCluster } from '../../outside/kubernetes/index.ts'
import type { StoreConfig } from './manifest.ts'
import { ABSENT, encode, entriesOf, fits, revisionOf, type SecretObject, secretResource, secretSchema, writersOf } from './secret.ts'

/** Keys of a Secret (https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data). */
const KEY = /^[-._a-zA-Z0-9]{1,253}$/

/** Opens a Secret as a store. Nothing is asked before a method is called. */
export function openStore(config: StoreConfig, host: Host): Store {
  const { namespace, secret: name, create } = config
  const resource = secretResource(namespace, name)
  const title = `kubernetes ${namespace}/${name}`
  const missing = refused('STORE_MISSING', `Secret ${namespace}/${name}: create it with the current value in it, or say \`create: true\``)

  /** Undefined when there is none and one may be made. */
  const look = async (cluster: Cluster, call: Call): Promise<Answer<SecretObject | undefined>> => {
    const seen = await cluster.get(resource, secretSchema, call)
    if (seen.is !== 'done') return denied(seen)
    return seen.value === undefined && !create ? missing : seen
  }
  const inCluster = <T>(call: Call, work: (cluster: Cluster) => Promise<Answer<T>>): Promise<Answer<T>> => withCluster(config, host, call, work)

  return {
    traits: { read: 'value', cas: true },
    identity: () => resourceKey('store', 'kubernetes', clusterName(config, host.base), namespace, name),
    title: () => title,

    preflight: (call) => inCluster(call, async (cluster) => {
      const seen = await look(cluster, call)
      if (seen.is !== 'done') return seen
      const fit = seen.value === undefined ? done(undefined) : fits(seen.value, title)
      if (fit.is !== 'done') return fit
      const { name: _, ...nameless } = resource
      const write: Right = seen.value === undefined ? { verb: 'create', resource: nameless } : { verb: 'patch', resource }
      const allowed = await checkRights(cluster, [{ verb: 'get', resource }, write], call)
      if (allowed.is !== 'done') return denied(allowed)
      const notices = seen.value === undefined ? ['is not there yet and will be made'] : writersOf(seen.value).map((who) => `is also written by ${who}: that may put an older value back`)
      if (cluster.connection.tls.unverified === true) notices.push(`the certificate of ${cluster.place} is not verified, so that what is sent can be read on the way`)
      return done({ notices: notices.map((notice) => `${title}: ${notice}`) })
    }),

    read: (keys, call) => inCluster(call, async (cluster) => {
      const seen = await look(cluster, call)
      if (seen.is !== 'done') return seen
      const entries = entriesOf(seen.value, keys, title)
      return entries.is === 'done' ? done({ entries: entries.value, revision: revisionOf(seen.value) }) : entries
    }),

    accepts,

    write: async (patch, ifRevision, call) => {
      const given = Object.fromEntries(Object.entries(patch).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
      const readable = accepts(given)
      if (readable.is !== 'done') return readable
      return inCluster(call, async (cluster) => {
        if (ifRevision === ABSENT) return make(cluster, given, call)
        const [resourceVersion = '', uid = ''] = ifRevision.split('@')
        // The server compares both with what is there in the same step with the change. A value that is there already changes nothing.
        const data = Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, value === null ? null : encode(value)]))
        const patched = await cluster.mergePatch(resource, { metadata: { resourceVersion, uid }, data }, secretSchema, call)
        if (patched.is === 'done') return done({ revision: revisionOf(patched.value) })
        if (isReason(patched, 'NotFound')) return missing
        // Another one of this name, which happens to have the same version.
        if (isReason(patched, 'Invalid') && patched.is === 'refused' && patched.evidence?.['field'] === 'metadata.uid') return refused('CONFLICT', title)
        if (!isReason(patched, 'Invalid')) return denied(patched)
        const seen = await cluster.get(resource, secretSchema, call)
        const fit = seen.is === 'done' && seen.value !== undefined ? fits(seen.value, title) : patched
        return fit.is === 'done' ? patched : fit
      })
    },

    // A request that was cut leaves nothing beside the Secret.
    tidy: async () => done(undefined),
  }

  async function make(cluster: Cluster, given: Entries, call: Call): Promise<Answer<{ readonly revision: string }>> {
    if (!create) return missing
    const data = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, encode(value)]))
    const body = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name }, data }
    const made = await cluster.create({ api: 'v1', kind: 'secrets', namespace }, body, secretSchema, call)
    return made.is === 'done' ? done({ revision: revisionOf(made.value) }) : denied(made)
  }
}

function accepts(entries: Entries): Answer<void> {
  const strange = Object.keys(entries).find((key) => !KEY.test(key))
  if (strange !== undefined) return refused('VALUE_UNREADABLE', `${strange} cannot be a key of a Secret: letters, digits, \`-\`, \`_\` and \`.\``)
  // An environment variable ends at a zero byte.
  const broken = Object.keys(entries).find((key) => entries[key]?.reveal().includes('\0') === true)
  return broken === undefined ? done(undefined) : refused('VALUE_UNREADABLE', `${broken} holds a zero byte, which no environment can`)
}

/** A right that is missing here is one to the store. */
function denied<T>(answer: Answer<T>): Answer<T> {
  return answer.is === 'refused' && answer.code === 'RIGHTS_MISSING' ? refused('STORE_DENIED', answer.about, answer.evidence) : answer
}
