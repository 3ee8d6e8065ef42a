import { type Call, KeyturnError, type Reference, type Registry, Secret, type Surroundings } from '../kit/index.ts'
import { referencesOf, schemesOf, type Written } from './reference.ts'

/** What resolving works with. */
export interface Resolving {
  readonly registry: Registry
  readonly surroundings: Surroundings
  readonly call: Pick<Call, 'signal' | 'deadline'>
  /** Told every value before it is used. */
  readonly conceal: (secret: Secret) => void
}

/**
 * Resolves the references in a text at this moment; the rest of the text stays, and nothing that a reference brings in is resolved
 * again. May be repeated; nothing is kept between two calls. Throws a KeyturnError with the code of the one that does not resolve,
 * which names it (`${env:NAME}`, of a command only the program) and never a value.
 */
export async function resolveReferences(text: string, resolving: Resolving): Promise<Secret> {
  let resolved = ''
  let from = 0
  for (const written of referencesOf(text)) {
    const value = await valueOf(written, resolving)
    resolving.conceal(value)
    resolved += text.slice(from, written.at) + value.reveal()
    from = written.at + written.text.length
  }
  const whole = new Secret(resolved + text.slice(from))
  if (from > 0) resolving.conceal(whole)
  return whole
}

async function valueOf({ scheme, name }: Written, resolving: Resolving): Promise<Secret> {
  const reference = await openReference(scheme, resolving)
  if (reference === undefined) throw new KeyturnError('REFERENCE_UNRESOLVED', `\${${scheme}:...}: the scheme is none of ${schemesOf(resolving.registry).join(', ')}`)
  const answer = await reference.resolve(name, resolving.call)
  if (answer.is === 'done') return answer.value
  const shown = `\${${scheme}:${reference.title(name)}}`
  if (answer.is === 'ask') throw new KeyturnError('NOT_NOW', `${shown}: ${answer.task.title}`)
  throw new KeyturnError(answer.code, answer.about === undefined ? shown : `${shown}: ${answer.about}`)
}

/** Loads the code of a scheme when it is used; undefined when there is no such scheme. */
async function openReference(scheme: string, { registry, surroundings }: Resolving): Promise<Reference | undefined> {
  const entry = Object.hasOwn(registry, scheme) ? registry[scheme] : undefined
  if (entry?.manifest.families.reference === undefined) return undefined
  return (await entry.load()).openReference?.(surroundings)
}
