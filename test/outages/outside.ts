import type { Credential, Host, Issuer } from '../../src/kit/index.ts'
import type { Line } from './line.ts'

/** A provider with one principal, which keyturn reaches by lines alone. */
export interface Outside {
  /** What stands under `issuer:` beside `use` and `strategy`. */
  readonly issuer: Readonly<Record<string, unknown>>
  /** What the references in it stand for; `${env:STORED}` is what the store holds of the first field, now. */
  readonly env: Readonly<Record<string, string>>
  /** The credential that is in use. */
  readonly current: Credential
  /** Its name in what keyturn says, where that is not its address. */
  readonly name?: string
  /** It does not show who uses a credential, so the secret says `quiet: 0s`. */
  readonly blind?: true
  /** Opens the connector where it needs more of the machine than a port; the connector's own when absent. */
  readonly open?: (config: never, host: Host) => Issuer
  /** Every way to it, all of which go down together. */
  readonly lines: readonly Line[]
  close(): Promise<void>
}

/** One row of the table: a connector, one of its strategies, and how the provider is started for a test. */
export interface Row {
  readonly connector: string
  readonly strategy: string
  /** Where one strategy is carried out in several ways. */
  readonly kind?: string
  start(): Promise<Outside>
}

/** For titles: `vault overlap, approle`. */
export function titleOf({ connector, strategy, kind }: Row): string {
  return `${connector} ${strategy}${kind === undefined ? '' : `, ${kind}`}`
}
