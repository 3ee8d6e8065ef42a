import { type Answer, type Call, type Credential, done, type Evidence, refused, unknown } from '../kit/index.ts'
import type { Which } from '../plan/step.ts'
import { stepsOf } from '../journal/steps.ts'
import { type Scene, valueOf } from './scene.ts'

/** How often a credential that was just made is probed again. */
const LOOK_AGAIN_MS = 500

/** What all endpoints say of one credential: `accepted` and `rejected` only when they agree. */
export interface Verdicts {
  readonly verdict: 'accepted' | 'rejected' | 'mixed' | 'inconclusive'
  /** By endpoint: `accepted`, or the server's own code. */
  readonly evidence: Evidence
  /** The endpoints that gave no verdict, as people know them: `redis at primary`. */
  readonly silent: readonly string[]
}

/** Probes one credential at every endpoint of the plan. */
export function probeAll(scene: Scene, which: Which, call: Call): Promise<Verdicts> {
  return probeCredential(scene, valueOf(scene, which), which, call)
}

/** The same of any credential; `name` is what the evidence calls it. */
export async function probeCredential(scene: Scene, credential: Credential, name: string, call: Call): Promise<Verdicts> {
  const seen: string[] = []
  const silent: string[] = []
  const evidence: Record<string, string> = {}
  for (const endpoint of scene.plan.endpoints) {
    const answer = await scene.cast.issuer.probe(credential, endpoint, call)
    const verdict = answer.is === 'done' ? answer.value.verdict : 'inconclusive'
    seen.push(verdict)
    if (verdict === 'inconclusive') silent.push(`${scene.plan.issuer.use} at ${endpoint}`)
    evidence[`${name} at ${endpoint}`] = answer.is === 'done' ? `${verdict} ${answer.value.code}`.trim() : answer.is === 'ask' ? 'ask' : answer.code
  }
  const [first] = seen
  if (seen.includes('inconclusive')) return { verdict: 'inconclusive', evidence, silent }
  return { verdict: seen.every((each) => each === first) && (first === 'accepted' || first === 'rejected') ? first : 'mixed', evidence, silent }
}

/** The credential must be accepted everywhere. When it is not, the other one is probed too, so that the cause can be told. */
export async function probe(scene: Scene, step: { readonly which: Which }, call: Call): Promise<Answer<Evidence>> {
  let own = await probeAll(scene, step.which, call)
  // What was made a moment ago may not be everywhere yet: a verdict from before the settling time is no reason to discard it.
  const settled = lastMade(scene, step.which) + scene.plan.traits.settle
  for (let tries = triesOf(scene); tries > 1 && (own.verdict === 'rejected' || own.verdict === 'mixed') && scene.now() < settled && !call.signal.aborted; tries -= 1) {
    await scene.sleep(Math.min(LOOK_AGAIN_MS, settled - scene.now()), call.signal)
    own = await probeAll(scene, step.which, call)
  }
  if (own.verdict === 'accepted') return done({ [step.which]: 'accepted', ...own.evidence })
  if (own.verdict === 'inconclusive') return unknown('UNREACHABLE', `no verdict from ${own.silent.join(', ')}`, own.evidence)
  return refused('CREDENTIAL_REJECTED', `the ${step.which} credential`, { ...own.evidence, ...(await tellApart(scene, call)) })
}

/** When this credential was last made or turned on in the present direction, unix ms; 0 when it was not. */
function lastMade(scene: Scene, which: Which): number {
  return Math.max(0, ...stepsOf(scene.progress).filter((step) => (step.do === 'mint' || step.do === 'set') && step.which === which).map((step) => scene.progress.done.get(step.id)?.at ?? 0))
}

/** Wrong logins may lock the account: at most half of what it takes (I12). */
export function triesOf(scene: Pick<Scene, 'plan'>): number {
  const { lockout } = scene.plan.traits
  return lockout === undefined ? Infinity : Math.max(1, Math.floor(lockout / 2))
}

/** `new` and `old`, each accepted, rejected, mixed or inconclusive: what decides whether a failure is the new credential's fault. */
export async function tellApart(scene: Scene, call: Call): Promise<{ readonly new: string; readonly old: string }> {
  if (scene.plan.traits.acceptor !== 'issuer') return { new: 'inconclusive', old: 'inconclusive' }
  const verdict = async (which: Which): Promise<string> => (scene.values[which] === undefined ? 'unknown' : (await probeAll(scene, which, call)).verdict)
  return { new: await verdict('new'), old: await verdict('old') }
}
