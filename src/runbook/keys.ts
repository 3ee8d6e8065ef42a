import { type Age, type Instruction, variable } from '../by-hand/index.ts'
import { fieldsOfBinding } from '../manifest/binding.ts'
import type { Binding, StoreSpec } from '../manifest/model.ts'
import type { Shown } from '../plan/step.ts'

/** Keys of a store that hold another credential than the one in use, or both, while both are accepted: what belongs there at this step. Pure. */
export function otherKeys({ which, beside }: Shown, { bind }: StoreSpec): readonly Instruction[] {
  const age = (word: 'new' | 'old'): Age => (word === 'new' ? 'NEW' : 'OLD')
  const says = Object.entries(bind).flatMap(([key, binding]) => {
    const { slot } = binding
    if (slot === undefined) return []
    if (slot === 'jwks') return [`\`${key}\`: a JSON Web Key Set, \`{"keys": [...]}\`, of ${[which, ...(beside === undefined ? [] : [beside])].map((word) => `the ${word} key (${held(binding, age(word))})`).join(', then ')}`]
    if (beside === undefined) return [`\`${key}\`: ${binding.empty === true ? 'make it empty' : 'take it away'}`]
    const word = slot === 'previous' ? beside : slot
    return [`\`${key}\`: the ${word} one, ${held(binding, age(word))}`]
  })
  return says.length === 0 ? [] : [{ says: `In the same store, by an editor, in the same moment:\n\n${says.map((line) => `- ${line}`).join('\n')}` }]
}

function held(binding: Binding, age: Age): string {
  return fieldsOfBinding(binding).map((field) => `what ${variable(age, field)} holds`).join(' and ')
}
