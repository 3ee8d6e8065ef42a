import type { ByHand, ByHandRegistry, CheckByHand, ConsumerByHand, IssuerByHand, StoreByHand } from '../by-hand/index.ts'
import type { Manifest, SecretSpec, Used } from '../manifest/model.ts'

/** What the connectors of one secret say of the ways by hand; undefined for those that say nothing. In the manifest's order. */
export interface Hands {
  readonly issuer: IssuerByHand | undefined
  readonly stores: readonly (StoreByHand | undefined)[]
  readonly waves: readonly (readonly (ConsumerByHand | undefined)[])[]
  readonly checks: readonly (CheckByHand | undefined)[]
  readonly preflight: readonly (CheckByHand | undefined)[]
  readonly postflight: readonly (CheckByHand | undefined)[]
}

/** Asks the connectors of a secret; loads none of their clients. */
export async function handsOf(manifest: Manifest, secret: SecretSpec, registry: ByHandRegistry): Promise<Hands> {
  const all = [secret.issuer, ...secret.stores, ...secret.waves.flat(), ...secret.checks, ...manifest.preflight, ...manifest.postflight]
  const loaded = new Map<string, ByHand>()
  for (const { use } of all) {
    const load = Object.hasOwn(registry, use) ? registry[use] : undefined
    if (load !== undefined && !loaded.has(use)) loaded.set(use, (await load()).default)
  }
  const ask = <F extends keyof ByHand>(family: F, { use, config }: Used): ReturnType<NonNullable<ByHand[F]>> | undefined => {
    const open = loaded.get(use)?.[family]
    // The schema of this family has let this configuration pass.
    return open === undefined ? undefined : (open(config as never) as ReturnType<NonNullable<ByHand[F]>>)
  }
  const check = (one: Used): CheckByHand | undefined => ask('check', one)
  return {
    issuer: ask('issuer', secret.issuer),
    stores: secret.stores.map((store) => ask('store', store)),
    waves: secret.waves.map((wave) => wave.map((consumer) => ask('consumer', consumer))),
    checks: secret.checks.map(check),
    preflight: manifest.preflight.map(check),
    postflight: manifest.postflight.map(check),
  }
}
