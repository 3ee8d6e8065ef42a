import type { Registry } from '../kit/index.ts'

/** The source of a regular expression for one reference, e.g. `${env:NAME}`: scheme, then what it names. */
export const referencePattern = String.raw`\$\{([A-Za-z][\w-]*):([^{}]*)\}`

/** A place in a text that stands for a value. */
export interface Written {
  /** As it stands there, `${env:NAME}`. */
  readonly text: string
  readonly scheme: string
  readonly name: string
  /** Where it starts in the text. */
  readonly at: number
}

/** The references in a text, in order. Those of unknown schemes are among them. Pure. */
export function referencesOf(text: string): Written[] {
  return [...text.matchAll(new RegExp(referencePattern, 'g'))].map((match) => ({
    text: match[0],
    scheme: match[1] ?? '',
    name: match[2] ?? '',
    at: match.index,
  }))
}

/** Whether the text holds a reference. Pure. */
export function hasReference(text: string): boolean {
  return referencesOf(text).length > 0
}

/** What can be referred to: the ids of the connectors that resolve references. */
export function schemesOf(registry: Registry): readonly string[] {
  return Object.entries(registry).flatMap(([id, { manifest }]) => (manifest.families.reference === undefined ? [] : [id]))
}
