import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, type Ms, resourceKey } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import type { Entries, Store } from '../../kit/store.ts'
import { atTip, type FileAt, type Remote, remoteName, resolveRemote, tidyScratch, type Tip } from '../../outside/git/index.ts'
import { checkRights, type Cluster, withCluster } from '../../outside/kubernetes/index.ts'
import { type Certificate, loadSealer, noticesOf } from './certificate.ts'
import { appliedBy, readFlux, readyToApply, requestReconcile } from './flux.ts'
import { liveSecret, lookAtSealed, readLive, sealedSecret, type Standing } from './live.ts'
import type { StoreConfig } from './manifest.ts'
import { propose } from './propose.ts'
import { readSealedFile, type SealedFile } from './sealed-file.ts'
import { sealInto } from './seal-into.ts'

/** How often it is looked whether the cluster has followed. */
const EVERY: Ms = 250

/** What is left of the deadline to say that it has not. */
const MARGIN: Ms = 500

/** So long it may take to ask Flux to fetch. */
const HURRY: Ms = 5_000

/** How often a push that another one was faster than is made again, on top of the other. */
const TRIES = 5

type Opening = Pick<Host, 'base' | 'resolve' | 'conceal' | 'now'>

/** The file at the tip of its branch. */
interface Now {
  readonly tip: Tip
  readonly at: FileAt
  readonly text: string
  readonly file: SealedFile
}

/** Opens a SealedSecret in git as a store. Nothing is touched before a method is called. */
export function openStore(config: StoreConfig, host: Opening): Store {
  const { git, flux, namespace, name } = config
  const named = { namespace, name }
  const place = `${git.file} on ${git.branch} of ${remoteName(git.remote)}`
  const title = `sealed secret ${namespace}/${name} in ${place}`
  const key = resourceKey('store', 'sealed-secrets', remoteName(git.remote), git.branch, git.file)
  const certificate = (config.controller === undefined ? { certificate: config.certificate ?? '' } : { controller: config.controller }) satisfies Certificate

  /** Looks at the file, and gives the body what it is now. */
  const withFile = async <T>(purpose: 'look' | 'write', call: Call, body: (now: Now) => Promise<Answer<T>>): Promise<Answer<T>> => {
    let remote: Remote
    try {
      remote = await resolveRemote(git, host, call)
    } catch (thrown) {
      if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
      throw thrown
    }
    return atTip(remote, key, purpose, call, async (tip) => {
      const at = await tip.file(git.file)
      if (at.is !== 'done') return at
      const text = at.value.bytes.toString('utf8')
      if (!Buffer.from(text).equals(at.value.bytes)) return refused('STORE_UNFIT', `${place} is no text`)
      const file = readSealedFile(text, named, place)
      return file.is === 'done' ? body({ tip, at: at.value, text, file: file.value }) : file
    })
  }

  const inCluster = <T>(call: Call, body: (cluster: Cluster) => Promise<Answer<T>>): Promise<Answer<T>> => withCluster(config, host, call, body)

  /** Whether Flux has applied what the file says; yes where there is no Flux to ask. */
  const applied = async (cluster: Cluster, { tip, at }: Now, call: Call): Promise<Answer<{ readonly applied: boolean; readonly why: string }>> => {
    if (flux === undefined) return done({ applied: true, why: '' })
    const now = await readFlux(cluster, flux, call)
    if (now.is !== 'done') return now
    const known = new Map<string, boolean>([[at.commit, true]])
    return appliedBy(now.value, place, async (commit) => {
      const found = known.get(commit) ?? (await tip.blobIn(commit, git.file)) === at.blob
      known.set(commit, found)
      return found
    })
  }

  /** Waits until the cluster has made of the file what it makes of it. Refused, with what it waits for, when that takes too long or will not be. */
  const settled = async (cluster: Cluster, now: Now, keys: readonly string[], call: Call): Promise<Answer<Standing>> => {
    while (true) {
      const seen = await lookAtSealed(cluster, named, now.file, keys, call)
      if (seen.is !== 'done' || seen.value.is !== 'behind') return seen
      const told = await applied(cluster, now, call)
      if (told.is !== 'done') return told
      const why = told.value.why === '' ? seen.value.why : told.value.why
      if (call.deadline - Date.now() < MARGIN + EVERY || call.signal.aborted) return refused('DEADLINE', `what is sealed in ${place} is not known: ${why}`)
      await wait(EVERY, undefined, { signal: call.signal }).catch(() => undefined)
    }
  }

  /** What is sealed in the file, which only the controller can open: its Secret says it, once it is made of exactly this. */
  const entriesOf = (now: Now, keys: readonly string[], call: Call): Promise<Answer<Entries>> => inCluster(call, async (cluster) => {
    const there = keys.filter((each) => now.file.sealed.has(each))
    if (there.length === 0) return done({})
    const standing = await settled(cluster, now, there, call)
    if (standing.is !== 'done') return standing
    // What nobody can open is no value: it may be written over.
    if (standing.value.is !== 'synced') return done({})
    const live = await readLive(cluster, named, there, call)
    if (live.is !== 'done') return live
    return done(Object.fromEntries(live.value?.values ?? []))
  })

  return {
    traits: { read: 'value', cas: true },
    identity: () => key,
    title: () => title,

    preflight: (call) => withFile('look', call, async (now) => {
      const sealer = await loadSealer(certificate, host, call)
      if (sealer.is !== 'done') return sealer
      const may = await now.tip.mayPush(git.propose ?? git.branch)
      if (may.is !== 'done') return may
      const notices = [...noticesOf(sealer.value, certificate, host.now())]
      if (!now.file.strict) notices.push('the scope is wider than strict: what is sealed here can be moved to another Secret')
      if (flux?.reconcile === false) notices.push('Flux is not asked to come at once: with one slot (`in-place`) the old value ends, and the new one is read only an interval later')
      if (git.propose !== undefined) notices.push(`each change is pushed to ${git.propose} and waits for a person who merges it into ${git.branch}`)
      notices.push('what was sealed before stays in the history of the repository, and whoever gets the key of the controller can open it: it ends only when the old value is dead')
      return inCluster(call, async (cluster) => {
        const ready = await clusterReady(cluster, now, call)
        return ready.is === 'done' ? done({ notices: [...notices, ...ready.value].map((notice) => `${title}: ${notice}`) }) : ready
      })
    }),

    read: (keys, call) => withFile('look', call, async (now) => {
      const templated = keys.find((each) => now.file.templated.has(each))
      if (templated !== undefined) return refused('STORE_UNFIT', `${templated} in ${place} is made by a template: bind the keys that it is made of`)
      const entries = await entriesOf(now, keys, call)
      return entries.is === 'done' ? done({ entries: entries.value, revision: now.at.blob }) : entries
    }),

    accepts,

    async write(patch, ifRevision, call) {
      const sealer = await loadSealer(certificate, host, call)
      if (sealer.is !== 'done') return sealer
      for (let left = TRIES; left > 0; left -= 1) {
        const written = await withFile('write', call, async (now) => {
          if (now.at.blob !== ifRevision) return refused('CONFLICT', place)
          const next = await sealInto({ text: now.text, file: now.file, named, about: place }, patch, sealer.value, certificate, call)
          if (next.is !== 'done') return next
          if (next.value === now.text) return done({ revision: ifRevision, pushed: false })
          const commit = { message: git.message ?? `Seal ${namespace}/${name} again`, author: git.author ?? { name: 'keyturn', email: 'keyturn@localhost' }, at: host.now() }
          if (git.propose !== undefined) return propose(now.tip, git, next.value, commit)
          const pushed = await now.tip.push(git.file, next.value, commit, { branch: git.branch })
          return pushed.is === 'done' ? done({ revision: pushed.value.blob, pushed: true }) : pushed
        })
        if (written.is === 'unknown' || (written.is === 'done' && written.value.pushed)) await hurry(call)
        if (written.is === 'done') return done({ revision: written.value.revision })
        // Somebody else pushed in this moment: the file is looked at again, and only a change of it is a conflict.
        if (written.is === 'ask' || written.code !== 'CONFLICT' || written.evidence?.['git'] !== 'raced') return written
      }
      return refused('CONFLICT', place)
    },

    arrived: (patch, revision, call) => withFile('look', call, async (now) => {
      return inCluster(call, async (cluster) => {
        const told = await applied(cluster, now, call)
        if (told.is !== 'done' || !told.value.applied) return told.is === 'done' ? done({ arrived: false, why: told.value.why }) : told
        const keys = Object.keys(patch)
        const standing = await lookAtSealed(cluster, named, now.file, keys, call)
        if (standing.is !== 'done') return standing
        if (standing.value.is === 'broken') return refused('STORE_UNFIT', standing.value.why)
        if (standing.value.is === 'behind') return done({ arrived: false, why: standing.value.why })
        const live = await readLive(cluster, named, keys, call)
        if (live.is !== 'done') return live
        const arrived = keys.every((each) => sameValue(patch[each] ?? null, live.value?.values.get(each)))
        // Somebody has written the file since: with another value under our keys ours never comes.
        if (!arrived && now.at.blob !== revision) return refused('STORE_EDITED', place)
        return done(arrived ? { arrived } : { arrived, why: `the Secret ${namespace}/${name} does not hold it yet` })
      })
    }),

    async tidy(call) {
      await tidyScratch(key, host.now())
      // A write that was killed behind its push has asked nobody to fetch it.
      await hurry(call)
      const { propose: branch } = git
      // A proposal that was merged is done with; one that was not must not be merged any more.
      return branch === undefined ? done(undefined) : withFile('write', call, ({ tip }) => tip.drop(branch))
    },
  }

  /** Has Flux fetch what was pushed now, where it may be asked. A hint, which does not hold anything up for long. */
  async function hurry(call: Call): Promise<void> {
    if (flux?.reconcile !== true) return
    const brief = { ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(HURRY)]) }
    await inCluster(brief, async (cluster) => {
      const objects = await readFlux(cluster, flux, brief)
      if (objects.is === 'done') await requestReconcile(cluster, objects.value.sourceResource, host.now(), brief)
      return done(undefined)
    })
  }

  async function clusterReady(cluster: Cluster, now: Now, call: Call): Promise<Answer<readonly string[]>> {
    const rights = await checkRights(cluster, [{ verb: 'get', resource: sealedSecret(named) }, { verb: 'get', resource: liveSecret(named) }], call)
    if (rights.is !== 'done') return rights.is === 'refused' && rights.code === 'RIGHTS_MISSING' ? refused('STORE_DENIED', rights.about) : rights
    const keys = [...now.file.sealed.keys()]
    const standing = await lookAtSealed(cluster, named, now.file, keys, call)
    if (standing.is !== 'done') return standing
    if (standing.value.is === 'broken') return refused('PRECONDITION_FAILED', standing.value.why)
    const live = await readLive(cluster, named, [], call)
    if (live.is !== 'done') return live
    if (live.value?.immutable === true) return refused('STORE_UNFIT', `the Secret ${namespace}/${name} is immutable: the controller cannot change it`)
    if (flux === undefined) return done([])
    const objects = await readFlux(cluster, flux, call)
    if (objects.is !== 'done') return objects
    const ready = readyToApply(objects.value, git, place)
    if (ready.is !== 'done' || !flux.reconcile) return ready
    const asked = await checkRights(cluster, [{ verb: 'patch', resource: objects.value.sourceResource }], call)
    const denied = asked.is === 'refused' && asked.code === 'RIGHTS_MISSING'
    return done([...ready.value, ...(denied ? ['the right to patch the GitRepository is missing, so that Flux fetches at its interval'] : [])])
  }
}

/** Keys of a Secret, and values that are texts. https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data */
function accepts(entries: Entries): Answer<void> {
  for (const [key, value] of Object.entries(entries)) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key) || /^\.\.?$/.test(key)) return refused('STORE_UNFIT', `${key} cannot be a key of a Secret: letters, digits, \`-\`, \`_\` and \`.\``)
    if (!value.reveal().isWellFormed()) return refused('VALUE_UNREADABLE', `${key} is no text`)
  }
  return done(undefined)
}

function sameValue(wanted: Secret | null, live: Secret | undefined): boolean {
  return wanted === null ? live === undefined : wanted.equals(live)
}
