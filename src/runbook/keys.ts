import { type Age, type Entry, entryVariable, type Instruction, type StoreByHand, variable } from '../by-hand/index.ts'
import { fieldsOfBinding } from '../manifest/binding.ts'
import type { Binding, StoreSpec } from '../manifest/model.ts'
import type { Shown, Which } from '../plan/step.ts'
import { rendered } from './values.ts'

export const AGE: Readonly<Record<Which, Age>> = { new: 'NEW', old: 'OLD' }

/** What a store is to hold when it shows these credentials. */
interface Held {
  /** Assign the variables that are made for it: those of keys that at other times hold another credential, or none. */
  readonly lines: readonly string[]
  readonly entries: readonly Entry[]
  /** Keys that are not there then. */
  readonly absent: readonly string[]
}

/** The keys of the n-th store, from 0, with what each holds at this step; the same rule as in steps/entries.ts. Pure. */
export function heldIn({ which, beside }: Shown, store: number, { bind }: StoreSpec): Held {
  const [lines, entries, absent]: [string[], Entry[], string[]] = [[], [], []]
  const put = (key: string, text: string): void => {
    const name = `HELD_${entryVariable('NEW', store, key).slice(4)}`
    lines.push(`${name}=${text}`)
    entries.push({ key, variable: name })
  }
  for (const [key, binding] of Object.entries(bind)) {
    const { slot } = binding
    if (slot === undefined) entries.push({ key, variable: entryVariable(AGE[which], store, key) })
    else if (slot === 'jwks') put(key, keySet(binding, beside === undefined ? [which] : [which, beside]))
    else if (beside !== undefined) put(key, rendered(binding, AGE[slot === 'previous' ? beside : slot]))
    else if (binding.empty === true) put(key, '')
    else absent.push(key)
  }
  return { lines, entries, absent }
}

/** Writes all of it, where the store has a way by hand. Pure. */
export function written(shown: Shown, store: number, spec: StoreSpec, hand: StoreByHand | undefined): Instruction | undefined {
  if (hand === undefined) return undefined
  const { lines, entries, absent } = heldIn(shown, store, spec)
  const { run = '', ...made } = hand.write(entries, absent)
  return { ...made, run: [...lines, run].join('\n') }
}

/** Reads all of it again, and prints `same` when it is so. Pure. */
export function reread(shown: Shown, store: number, spec: StoreSpec, hand: StoreByHand | undefined): Instruction | undefined {
  if (hand === undefined) return undefined
  const { lines, entries, absent } = heldIn(shown, store, spec)
  const wanted = [...entries, ...absent.map((key) => ({ key, variable: 'NOTHING' }))]
  const { run = '' } = hand.read(wanted.map(({ key }, at) => ({ key, variable: `SEEN_${at}` })))
  const same = wanted.map(({ variable: name }, at) => `[ "$SEEN_${at}" = "$${name}" ]`).join(' && ')
  return {
    says: 'Does the store still hold what was written? Somebody may have reverted it since.',
    run: [...lines, 'NOTHING=', run, `if ${same}; then echo same; else echo 'something else stands there'; fi`].join('\n'),
    prints: 'same',
  }
}

/** The same in words, for a store that has no way by hand. Pure. */
export function inWords(shown: Shown, store: number, spec: StoreSpec): string {
  const { lines, entries, absent } = heldIn(shown, store, spec)
  const made = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  return [
    ...entries.map(({ key, variable: name }) => `\`${key}\` is ${made.has(name) ? `\`${made.get(name) === '' ? '(empty)' : made.get(name)}\`` : `what the variable ${name} holds`}`),
    ...absent.map((key) => `\`${key}\` is not there`),
  ].join(', ')
}

/** A JSON Web Key Set on one line, the one that is presented first. */
function keySet(binding: Binding, of: readonly Which[]): string {
  const [field = ''] = fieldsOfBinding(binding)
  return `'{"keys":['${of.map((which) => `"$${variable(AGE[which], field)}"`).join(`','`)}']}'`
}
