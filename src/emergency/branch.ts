import type { Credential, Host } from '../kit/index.ts'
import { hasReference } from '../manifest/reference.ts'
import { plainFields } from '../steps/values.ts'

/** How long one reference may take; one that takes longer says nothing. */
const RESOLVE_MS = 5_000

/**
 * What the references in a configuration stand for now: what keyturn logs in with. References that do not resolve are left out, since
 * nothing can be done with them either.
 */
export async function broughtBy(config: unknown, host: Pick<Host, 'resolve' | 'now'>): Promise<string[]> {
  const texts = textsIn(config).filter(hasReference)
  const call = { signal: AbortSignal.timeout(RESOLVE_MS), deadline: host.now() + RESOLVE_MS }
  const resolved = await Promise.allSettled(texts.map((text) => host.resolve(text, call)))
  return resolved.flatMap((each) => (each.status === 'fulfilled' ? [each.value.reveal()] : []))
}

/** Whether one of these texts holds a secret field of the credential: as it is, or as it stands in a URL. Pure. */
export function holdsCredential(texts: readonly string[], { fields }: Pick<Credential, 'fields'>, traits: { readonly fields: Readonly<Record<string, 'secret' | 'plain'>> }): boolean {
  const plain = plainFields(traits.fields)
  const values = Object.entries(fields).flatMap(([name, value]) => (plain.has(name) || value.reveal() === '' ? [] : [value.reveal(), encodeURIComponent(value.reveal())]))
  return texts.some((text) => values.some((value) => text.includes(value)))
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
