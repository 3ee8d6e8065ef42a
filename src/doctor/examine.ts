import type { Manifest } from '../manifest/model.ts'
import { stateExists } from '../state/open.ts'
import type { StatePlace } from '../state/place.ts'
import { openConnector } from '../steps/cast.ts'
import { type Planner, secretOf } from '../engine/rotate.ts'
import type { Scene } from '../steps/scene.ts'
import { mapBounded } from './bounded.ts'
import { examineCheck } from './checks.ts'
import { AREAS, type Finding, fine, type Found, thrownAt } from './finding.ts'
import { examineIdentity } from './identity.ts'
import { examineNotifiers } from './notifiers.ts'
import { type Look, lookUntil } from './look.ts'
import { NOTHING, recall } from './memory.ts'
import { examineSealing } from './sealing.ts'
import { examineSecret, type Surgery } from './secret.ts'
import { type AskFileSystem, examineState, type SeenState } from './state.ts'

/** So many secrets are looked at at the same time. */
const AT_ONCE = 8

/** What looking at everything needs. */
export interface Examination {
  readonly planner: Planner & Pick<Scene, 'sleep'>
  readonly manifest: Manifest
  /** Where its state is, or will be; may throw REFERENCE_UNRESOLVED. */
  readonly place: () => Promise<StatePlace>
  /** Where the identity is, or will be. */
  readonly identityFile: string
  /** This keyturn's, and that of the Node that it runs on. */
  readonly version: string
  readonly node: string
  /** Only this secret, beside what all have in common; all when absent. */
  readonly only?: string
  readonly interrupt: AbortSignal
  readonly askFileSystem?: AskFileSystem
}

/**
 * Looks at everything that a rotation depends on, and changes nothing: no file, no system, not even the version of the state. What
 * fails is a finding and keeps nothing else from being looked at. Findings come in the order of the manifest and of {@link AREAS}.
 * Throws SECRET_UNKNOWN only.
 */
export async function examine(examination: Examination): Promise<Finding[]> {
  const { planner, manifest, only, interrupt } = examination
  const secrets = only === undefined ? Object.values(manifest.secrets).filter(({ lifecycle }) => lifecycle !== 'future') : [secretOf(manifest, only)]
  const look = lookUntil(interrupt, planner.now)
  const { place, found: unplaced } = await placeIn(examination)
  // A database that cannot be asked is a finding of the state, below.
  const isState = place !== undefined && (await stateExists(place).catch(() => true))
  const identity = await examineIdentity(examination.identityFile, place, isState, look)
  const seen: SeenState = place === undefined ? { found: unplaced } : await examineState(place, identity.identity, look, planner.now, examination.askFileSystem)
  const { state } = seen
  try {
    const memory = state === undefined ? NOTHING : await recall(state, manifest, planner.now())
    const common: Found[] = [
      fine('version', 'keyturn', `${examination.version} on Node ${examination.node}`),
      ...identity.found, ...(await examineSealing(planner, manifest, look)), ...seen.found, ...memory.found, ...(await examineSystemChecks(planner, manifest, look)), ...(await examineNotifiers(planner, manifest, state)),
    ]
    const surgery: Surgery = { planner, manifest, look }
    const each = await mapBounded(secrets, AT_ONCE, async (secret) => {
      const { found: remembered = [], ...known } = memory.secrets.get(secret.name) ?? { ledger: [] }
      const found = await examineSecret(surgery, secret, { ...known, ...(identity.identity === undefined ? {} : { identity: identity.identity }) })
      return ordered([...remembered, ...found]).map((one): Finding => ({ ...one, secret: secret.name }))
    })
    return [...ordered(common), ...each.flat()]
  } finally {
    await state?.close()
  }
}

async function placeIn({ place }: Examination): Promise<{ readonly place?: StatePlace; readonly found: readonly Found[] }> {
  try {
    return { place: await place(), found: [] }
  } catch (thrown) {
    return { found: [thrownAt('state', 'its place', thrown)] }
  }
}

function ordered(found: readonly Found[]): Found[] {
  return found.toSorted((a, b) => AREAS.indexOf(a.area) - AREAS.indexOf(b.area))
}

/** What has to be green before any rotation, and what afterwards, each looked at once for all secrets. */
async function examineSystemChecks(planner: Planner, manifest: Manifest, look: Look): Promise<Found[]> {
  const host = planner.host(manifest.base)
  const lists = [{ specs: manifest.preflight, verdict: 'problem' }, { specs: manifest.postflight, verdict: 'warning' }] as const
  const all = lists.flatMap(({ specs, verdict }) => specs.map((spec) => ({ spec, verdict })))
  return mapBounded(all, AT_ONCE, async ({ spec, verdict }) => {
    try {
      return await examineCheck({ spec, check: await openConnector(planner.registry, host, 'check', spec) }, look, verdict)
    } catch (thrown) {
      return thrownAt('check', spec.use, thrown)
    }
  })
}
