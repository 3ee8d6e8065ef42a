import { type Answer, type Call, type Credential, type Issuer, KeyturnError } from '../kit/index.ts'
import { lookAhead } from './ahead.ts'
import type { SecretSpec } from '../manifest/model.ts'
import type { SeenConsumer, World } from '../plan/make.ts'
import { isChosen, restores } from '../plan/steps.ts'
import type { Cast, CastConsumer } from './cast.ts'
import { readCurrent } from './current.ts'

/** What a rotation is that takes another one back. */
export interface Back {
  readonly rotation: string
  /** What was in use before it. */
  readonly credential: Credential
}

/**
 * Looks at everything that a plan depends on and changes nothing; `back` for a plan that takes a rotation back. Throws a KeyturnError for
 * what makes a plan impossible; what only makes it worse is a notice in the plan.
 */
export async function lookAtWorld(cast: Cast, secret: SecretSpec, fingerprint: ((credential: Credential) => string) | undefined, call: Call, back?: Back): Promise<World> {
  const current = demand(await readCurrent(cast, secret.stores, call))
  const next = back?.credential ?? cast.issuer.propose(current)
  const { traits } = cast.issuer
  const makes = back === undefined || !restores({ strategy: secret.strategy, traits, takesBack: back.rotation })
  const preflight = demand(await lookAhead(cast.issuer, current, next.id, makes, call))
  const print = fingerprint?.(current)
  return {
    issuer: { key: preflight.principal ?? cast.issuer.identity(), traits: cast.issuer.traits, endpoints: cast.issuer.endpoints(), preflight },
    current: { ...current, ...(print === undefined ? {} : { fingerprint: print }) },
    ...(back !== undefined || isForeseen(cast.issuer, current, next) ? { next: { id: next.id } } : {}),
    ...(back === undefined ? {} : { takesBack: back.rotation }),
    stores: await Promise.all(
      cast.stores.map(async (store) => {
        const { notices } = demand(await store.preflight(call))
        return { key: store.identity(), title: store.title(), notices, readable: store.traits.read === 'value', ...(print === undefined ? {} : { fingerprint: print }) }
      }),
    ),
    waves: await Promise.all(cast.waves.map((wave, w) => Promise.all(wave.map((member, c) => lookAtConsumer(member, secret.waves[w]?.[c]?.attest?.use, call))))),
    checks: titlesOf(cast),
  }
}

/** Whether the new credential has a name before it is made: not when the provider names it, nor when its random value does. */
function isForeseen(issuer: Issuer, current: Credential, next: Credential): boolean {
  return isChosen(issuer.traits) && issuer.propose(current).id === next.id
}

/** The same without touching anything: for plans of many secrets, and for review where the systems cannot be reached. */
export function imagineWorld(cast: Cast, secret: SecretSpec): World {
  return {
    issuer: { key: cast.issuer.identity(), traits: cast.issuer.traits, endpoints: cast.issuer.endpoints() },
    stores: cast.stores.map((store) => ({ key: store.identity(), title: store.title(), notices: [], readable: store.traits.read === 'value' })),
    waves: cast.waves.map((wave, w) => wave.map((member, c) => ({ ...seen(member, secret.waves[w]?.[c]?.attest?.use), instances: [], notices: [] }))),
    checks: titlesOf(cast),
  }
}

function titlesOf(cast: Cast): NonNullable<World['checks']> {
  const titles = (checks: Cast['checks']): string[] => checks.map((check) => check.title())
  return { secret: titles(cast.checks), preflight: titles(cast.preflight), postflight: titles(cast.postflight) }
}

async function lookAtConsumer(member: CastConsumer, attest: string | undefined, call: Call): Promise<SeenConsumer> {
  const { notices } = demand(await member.consumer.preflight(call))
  const listed = demand(await member.consumer.instances(call))
  return { ...seen(member, attest), instances: listed.all.map((instance) => instance.name).sort(), notices }
}

function seen(member: CastConsumer, attest: string | undefined): Omit<SeenConsumer, 'instances' | 'notices'> {
  const { consumer } = member
  const proof = attest === 'issuer' ? 'issuer' : (member.attestor?.proof ?? consumer.traits.attest)
  return { key: consumer.identity(), title: consumer.title(), traits: consumer.traits, proof }
}

/** What came back; whatever else was answered is thrown as the error that it stands for. */
export function demand<T>(answer: Answer<T>): T {
  if (answer.is === 'done') return answer.value
  throw answer.is === 'ask' ? new KeyturnError('NOT_NOW', answer.task.title) : new KeyturnError(answer.code, answer.about)
}
