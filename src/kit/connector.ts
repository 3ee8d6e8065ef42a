import type { z } from 'zod'
import type { Host } from './call.ts'
import type { Check } from './check.ts'
import type { Attestor, Consumer } from './consumer.ts'
import type { Issuer } from './issuer.ts'
import type { Notifier } from './notifier.ts'
import type { Reference, Surroundings } from './reference.ts'
import type { Sealer } from './sealer.ts'
import type { Store } from './store.ts'

/** What a connector can be, by family; each family is opened with the configuration that its schema describes. */
export interface Families {
  readonly issuer: Issuer
  readonly store: Store
  readonly consumer: Consumer
  readonly check: Check
  readonly attestor: Attestor
  readonly notifier: Notifier
  readonly reference: Reference
  readonly sealer: Sealer
}

export type Family = keyof Families

/** The descriptor of a connector: data only, so that help, docs, JSON Schema and validation need no SDK. Lives in `manifest.ts`. */
export interface ConnectorManifest {
  /** The word after `use:`. The folder has the same name. */
  readonly id: string
  readonly title: string
  /** One sentence for the generated docs. */
  readonly summary: string
  /** Where its facts come from: the provider's own pages. */
  readonly links: readonly string[]
  /**
   * The configuration of each family that it serves; strict objects, every property described. A property that holds a secret
   * carries `.meta({ reference: true })`: only a reference such as `${env:NAME}` may stand there, a literal is an error. The
   * keys `use`, `bind`, `attest`, `as` and `within` are the engine's. `strategy` in an issuer's schema receives the resolved one.
   * A message of an own refinement says what to write. The schema of a `reference` is that of a text: the name in `${id:name}`.
   */
  readonly families: { readonly [F in Family]?: z.ZodType }
  /** Strategies that its issuer can carry out, the preferred one first. */
  readonly strategies?: readonly Strategy[]
  /**
   * The names of the fields of its credentials, `plain` ones are no secret; present with an issuer. `configured`: the key `fields`
   * of its configuration names them, as a map of the same form.
   */
  readonly fields?: Readonly<Record<string, 'secret' | 'plain'>> | 'configured'
}

/** How old and new overlap. */
export type Strategy = 'overlap' | 'alternate' | 'dual-key' | 'in-place' | 'hard-cut' | 'provider-managed'

/** The code of a connector, imported only when it is used: `index.ts` exports the openers of its families. */
export type ConnectorModule = {
  readonly [F in Exclude<Family, 'reference'> as `open${Capitalize<F>}`]?: (config: never, host: Host) => Families[F]
} & { readonly openReference?: (surroundings: Surroundings) => Reference }

/** All connectors by id: generated as `connectors.gen.ts`, passed as an argument to what needs it. */
export type Registry = Readonly<
  Record<string, { readonly manifest: ConnectorManifest; readonly load: () => Promise<ConnectorModule> }>
>

/** Checks the shape of a descriptor and keeps its literal types. */
export function describeConnector<const M extends ConnectorManifest>(manifest: M): M {
  return manifest
}
