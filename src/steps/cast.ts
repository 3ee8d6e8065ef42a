import {
  type Attestor,
  type Check,
  type ConnectorModule,
  type Consumer,
  type Families,
  type Family,
  type Host,
  type Issuer,
  KeyturnError,
  type Registry,
  type Store,
} from '../kit/index.ts'
import type { CheckSpec, ConsumerSpec, StoreSpec, Used } from '../manifest/model.ts'

/** Everything of the outside that one rotation touches, opened from the registry. */
export interface Cast {
  readonly issuer: Issuer
  readonly stores: readonly Store[]
  readonly waves: readonly (readonly CastConsumer[])[]
  readonly checks: readonly Check[]
  readonly preflight: readonly Check[]
  readonly postflight: readonly Check[]
  close(): Promise<void>
}

/** A consumer with what attests for it: another connector, the issuer's session list, or itself. */
export interface CastConsumer {
  readonly consumer: Consumer
  readonly attestor?: Attestor
  /** Template of the application name by which the issuer tells this consumer's sessions apart. */
  readonly application?: string
}

/** What names the cast: a plan, or a secret of a manifest. */
export interface CastList {
  readonly issuer: Used
  readonly stores: readonly StoreSpec[]
  readonly waves: readonly (readonly ConsumerSpec[])[]
  readonly checks: readonly CheckSpec[]
  readonly preflight: readonly CheckSpec[]
  readonly postflight: readonly CheckSpec[]
  /** Present in a plan that is carried out because the secret is taken for compromised: commands are told. */
  readonly emergency?: object
}

/** What commands find in their environment in an emergency (S2-48). */
const COMPROMISED = { SECRET_COMPROMISED: 'true' }

/** Opens all of them; nothing is touched yet. Only the connectors that are named are loaded. */
export async function openCast(list: CastList, registry: Registry, surroundings: Host): Promise<Cast> {
  const host = list.emergency === undefined ? surroundings : { ...surroundings, env: COMPROMISED }
  const open = <F extends Family>(family: F, used: Used): Promise<Families[F]> => openConnector(registry, host, family, used)
  const checks = (specs: readonly CheckSpec[]): Promise<Check[]> => Promise.all(specs.map((spec) => open('check', spec)))
  const issuer = await open('issuer', list.issuer)
  const stores = await Promise.all(list.stores.map((spec) => open('store', spec)))
  const waves = await Promise.all(list.waves.map((wave) => Promise.all(wave.map((spec) => openConsumer(spec, open)))))
  return {
    issuer,
    stores,
    waves,
    checks: await checks(list.checks),
    preflight: await checks(list.preflight),
    postflight: await checks(list.postflight),
    close: () => issuer.close(),
  }
}

type Open = <F extends Family>(family: F, used: Used) => Promise<Families[F]>

async function openConsumer(spec: ConsumerSpec, open: Open): Promise<CastConsumer> {
  const consumer = await open('consumer', spec)
  if (spec.attest === undefined) return { consumer }
  if (spec.attest.use === 'issuer') return { consumer, application: String(spec.attest.config['application'] ?? '{name}') }
  return { consumer, attestor: await open('attestor', spec.attest) }
}

/** Opens one connector of a manifest; nothing is touched yet. Throws MANIFEST_INVALID when there is none of that name and family. */
export async function openConnector<F extends Family>(registry: Registry, host: Host, family: F, used: Used): Promise<Families[F]> {
  const entry = registry[used.use]
  if (entry === undefined) throw new KeyturnError('MANIFEST_INVALID', `no connector ${used.use}`)
  const module = await entry.load()
  const key = `open${family[0]?.toUpperCase()}${family.slice(1)}` as keyof ConnectorModule
  const opener = module[key] as ((config: unknown, host: Host) => Families[F]) | undefined
  if (opener === undefined) throw new KeyturnError('MANIFEST_INVALID', `${used.use} is no ${family}`)
  return opener(used.config, host)
}
