import { type Code, type Credential, type Entries, label, type Observation } from '../kit/index.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import { ledgerKnows, type LedgerRow, secretKey } from '../state/ledger.ts'
import type { Identity } from '../sealing/identity.ts'
import { attestAll } from '../steps/attest.ts'
import { type Cast, openCast } from '../steps/cast.ts'
import { readCurrent } from '../steps/current.ts'
import type { Planner } from '../engine/rotate.ts'
import { entriesFor, presentOf } from '../steps/entries.ts'
import type { Scene } from '../steps/scene.ts'
import { standingScene, wrongBudget } from '../steps/standing.ts'
import { fingerprintOf, plainFields } from '../steps/values.ts'
import { examineCheck, examineSelfTest } from './checks.ts'
import { finding, fine, type Found, notice, readable, thrownAt, unanswered } from './finding.ts'
import type { Look } from './look.ts'

/** The issuer's clock may differ by this much: see the gate. */
const CLOCK_MS = 60_000

/** What is known of a secret before its own systems are looked at. */
export interface Known {
  readonly identity?: Identity
  /** Empty when keyturn has never seen it. */
  readonly ledger: readonly LedgerRow[]
  /** The rotation of it that is open: then old and new are side by side, and the preconditions of another one do not count. */
  readonly open?: string
}

/** What looking at one secret needs. */
export interface Surgery {
  readonly planner: Planner & Pick<Scene, 'sleep'>
  readonly manifest: Manifest
  readonly look: Look
}

/** Looks at every system that one secret touches, whatever the others say; changes nothing. */
export async function examineSecret(surgery: Surgery, secret: SecretSpec, known: Known): Promise<Found[]> {
  const { planner, manifest, look } = surgery
  let cast: Cast
  try {
    cast = await openCast({ ...secret, preflight: [], postflight: [] }, planner.registry, planner.host(manifest.base))
  } catch (thrown) {
    return [thrownAt('issuer', secret.issuer.use, thrown)]
  }
  try {
    const stores = await examineStores(cast, secret, look)
    const observed = await examineClock(cast, look, planner.now)
    const current = known.open === undefined ? await look((call) => readCurrent(cast, secret.stores, call)) : undefined
    const reachable = [...stores.found, ...observed.found, ...(await examineConsumers(cast, look))]
    if (current === undefined) return [...reachable, fine('issuer', readable(cast.issuer.identity()), `its rights and values are not judged while ${known.open ?? ''} is open`)]
    if (current.is !== 'done') return stores.readable ? [...reachable, unanswered('problem', 'store', 'all of them together', current)] : reachable
    for (const value of Object.values(current.value.fields)) if (value.reveal() !== current.value.id) planner.host(manifest.base).conceal(value)
    const scene = standingScene(planner, manifest, secret, cast, current.value)
    return [
      ...reachable,
      ...(cast.stores.length < 2 ? [] : [fine('store', 'all of them together', 'hold the same value')]),
      ...ledgerOf(manifest, secret, cast, current.value, known),
      ...(await examineIssuer(cast, current.value, observed.answered, look)),
      ...readersOf(scene, current.value, stores.entries),
      ...(await examineHolders(scene, look)),
      ...(await examineChecks(scene, secret, look)),
    ]
  } catch (thrown) {
    return [thrownAt('issuer', secret.issuer.use, thrown)]
  } finally {
    await cast.close()
  }
}

interface SeenStores {
  readonly found: readonly Found[]
  readonly readable: boolean
  /** Of each store, in the manifest's order. */
  readonly entries: readonly Entries[]
}

async function examineStores(cast: Cast, secret: SecretSpec, look: Look): Promise<SeenStores> {
  const found: Found[] = []
  const entries: Entries[] = []
  for (const [index, store] of cast.stores.entries()) {
    const title = store.title()
    const safe = await look((call) => store.preflight(call))
    const read = await look((call) => store.read(Object.keys(secret.stores[index]?.bind ?? {}), call))
    if (read.is === 'done') entries.push(read.value.entries)
    const bad = [safe, read].find((answer) => answer.is !== 'done')
    if (safe.is === 'done') found.push(...safe.value.notices.map((text) => notice('store', title, text)))
    found.push(bad === undefined ? fine('store', title, 'can be read and written') : unanswered('problem', 'store', title, bad))
  }
  return { found, readable: entries.length === cast.stores.length, entries }
}

/** Whether the issuer answers at all, and whether its clock is ours. */
async function examineClock({ issuer }: Cast, look: Look, now: () => number): Promise<{ readonly found: readonly Found[]; readonly answered: boolean }> {
  const subject = readable(issuer.identity())
  const before = now()
  const seen = await look<Observation>((call) => issuer.observe(call))
  if (seen.is !== 'done') return { answered: false, found: [unanswered('problem', 'issuer', subject, seen)] }
  const { clock } = seen.value
  if (clock === undefined) return { answered: true, found: [] }
  const ahead = clock < before ? clock - before : Math.max(0, clock - now())
  const seconds = Math.round(Math.abs(ahead) / 1000)
  if (Math.abs(ahead) <= CLOCK_MS) return { answered: true, found: [fine('clock', subject, `agrees with ours (${seconds} s)`)] }
  return { answered: true, found: [finding('problem', 'clock', subject, 'CLOCK_WRONG', `it is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} ours`, 'Set the clock right (NTP), here or there; nothing is ended on a wrong clock.')] }
}

/** What the admin may do, and whether the value in the stores is accepted at every endpoint. */
async function examineIssuer({ issuer }: Cast, current: Credential, answered: boolean, look: Look): Promise<Found[]> {
  const subject = readable(issuer.identity())
  const ready = await look((call) => issuer.preflight(current, issuer.propose(current).id, call))
  // One that did not answer before has said so; that it does not answer again is no news.
  if (ready.is !== 'done') return answered || ready.is === 'refused' ? [unanswered('problem', 'issuer', subject, ready)] : []
  const found = [...ready.value.notices.map((text) => notice('issuer', subject, text)), fine('issuer', subject, 'answers, and its admin may do what a rotation needs')]
  if (issuer.traits.acceptor !== 'issuer') return found
  for (const endpoint of issuer.endpoints()) {
    const seen = await look((call) => issuer.probe(current, endpoint, call))
    if (seen.is !== 'done') found.push(unanswered('problem', 'issuer', endpoint, seen))
    else if (seen.value.verdict === 'accepted') found.push(fine('issuer', endpoint, 'accepts the value in the stores'))
    else if (seen.value.verdict === 'rejected') found.push(finding('problem', 'issuer', endpoint, 'CREDENTIAL_REJECTED', label(seen.value.code)))
    else found.push(finding('warning', 'issuer', endpoint, 'UNREACHABLE', `no verdict on the value in the stores (${label(seen.value.code)})`))
  }
  return found
}

/** By keyed fingerprint: the value in the stores is one that the ledger knows, or nobody has rotated it yet. */
function ledgerOf(manifest: Manifest, secret: SecretSpec, { issuer }: Cast, current: Credential, { identity, ledger }: Known): Found[] {
  if (identity === undefined) return []
  if (ledger.length === 0) return [fine('ledger', current.id, 'is not known yet: the first rotation takes the value in the stores')]
  const fingerprint = fingerprintOf(identity, secretKey(manifest.system, manifest.environment, secret.name), current, plainFields(issuer.traits.fields))
  if (ledgerKnows(ledger, { id: current.id, fingerprint })) return [fine('ledger', current.id, `knows the value in the stores (${fingerprint})`)]
  return [finding('problem', 'ledger', current.id, 'STATE_STALE', `it has never seen the value in the stores (${fingerprint})`, `If somebody changed it by hand, \`keyturn adopt ${secret.name}\`; if the state was restored from a backup, bring back the newest.`)]
}

/** Whether every reader of a store would read a value like the next one; of one that the provider makes nothing is known before. */
function readersOf(scene: Scene, current: Credential, entries: readonly Entries[]): Found[] {
  const { issuer, stores } = scene.cast
  if (issuer.traits.value !== 'chosen') return []
  const next = issuer.propose(current)
  return stores.flatMap((store, index) => {
    const accepted = store.accepts(presentOf(entriesFor({ plan: scene.plan, values: { new: next } }, index, { which: 'new' }, entries[index] ?? {})))
    return accepted.is === 'done' ? [] : [unanswered('problem', 'store', store.title(), accepted)]
  })
}

async function examineConsumers(cast: Cast, look: Look): Promise<Found[]> {
  if (cast.waves.flat().length === 0) return [notice('consumer', 'none', 'no consumer is named: nobody is told of a new value')]
  const found: Found[] = []
  for (const { consumer } of cast.waves.flat()) {
    const title = consumer.title()
    const ready = await look((call) => consumer.preflight(call))
    const listed = await look((call) => consumer.instances(call))
    if (ready.is === 'done') found.push(...ready.value.notices.map((text) => notice('consumer', title, text)))
    const bad = [ready, listed].find((answer) => answer.is !== 'done')
    if (bad !== undefined) found.push(unanswered('problem', 'consumer', title, bad))
    else if (listed.is === 'done') found.push(instancesOf(title, listed.value.all))
  }
  return found
}

function instancesOf(title: string, all: readonly { readonly name: string; readonly ready: boolean }[]): Found {
  const unready = all.filter((instance) => !instance.ready).map((instance) => label(instance.name))
  if (all.length === 0) return finding('problem', 'consumer', title, 'CONSUMER_MISSING')
  if (unready.length > 0) return finding('problem', 'consumer', title, 'CONSUMER_UNREADY', unready.join(', '))
  return fine('consumer', title, `${all.length} ready: ${all.map((instance) => label(instance.name)).join(', ')}`)
}

/** Whether every instance holds the value in the stores, and how well that can be seen. One that is not ready has been told of. */
async function examineHolders(scene: Scene, look: Look): Promise<Found[]> {
  const quiet: ReadonlySet<Code> = new Set<Code>(['CONSUMER_MISSING', 'CONSUMER_UNREADY'])
  const found: Found[] = []
  for (const [wave, consumers] of scene.cast.waves.entries()) {
    for (const [index, { consumer }] of consumers.entries()) {
      const title = consumer.title()
      const seen = await look((call) => attestAll(scene, { wave, consumer: index, which: 'old' }, call))
      if (seen.is !== 'done' || quiet.has(seen.value.code)) continue
      const { missing, code, inferred } = seen.value
      if (missing.length > 0) found.push(finding('problem', 'consumer', title, code, missing.join(', ').replaceAll('another value', 'another value than the stores')))
      else if (inferred) found.push(notice('consumer', title, 'that it holds the value can only be inferred: the gate will ask for quiet usage of the old one'))
      else found.push(fine('consumer', title, 'proves that it holds the value in the stores'))
    }
  }
  return found
}

async function examineChecks(scene: Scene, secret: SecretSpec, look: Look): Promise<Found[]> {
  const { old } = scene.values
  const { issuer } = scene.cast
  // The issuer's own preflight may have tried one at each endpoint.
  let budget = wrongBudget(issuer.traits) - issuer.endpoints().length
  const found: Found[] = []
  for (const [index, check] of scene.cast.checks.entries()) {
    const spec = secret.checks[index]
    if (spec === undefined || old === undefined) continue
    if (spec.as !== undefined) {
      const tried = await examineSelfTest(scene, { spec, check }, old, budget, look)
      budget -= tried.used
      found.push(tried.found)
    }
    found.push(await examineCheck({ spec, check }, look, 'problem', spec.as === undefined ? undefined : old))
  }
  return found
}
