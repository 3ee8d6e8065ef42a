import type { Registry } from '../kit/index.ts'
import type { Instruction } from '../by-hand/index.ts'
import type { Manifest, SecretSpec } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Hands } from './hands.ts'

/** All that a runbook is made of. */
export interface Scene {
  readonly manifest: Manifest
  readonly secret: SecretSpec
  /** Made without looking: it depends on the manifest alone. */
  readonly plan: Plan
  readonly hands: Hands
  /** Titles and links of the connectors. */
  readonly registry: Registry
}

/** What is said where a connector has no commands for a person: what has to be done, and where its provider says how. Pure. */
export function elsewhere({ registry }: Scene, use: string, says: string): Instruction {
  const known = registry[use]?.manifest
  const pages = (known?.links ?? []).map((link) => `<${link}>`).join(', ')
  return { says: `${says} There are no commands for it here: ${known?.title ?? use} says how${pages === '' ? '' : `, ${pages}`}.` }
}
