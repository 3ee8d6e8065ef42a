import type { CompiledQuery } from 'kysely'

/** The place of a value in a compiled statement. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A statement that is compiled once and run with other values each time: building and compiling takes longer than what SQLite then
 * does. `build` is called once, with what stands for each value.
 */
export function statement<Name extends string>(build: (slot: (name: Name) => never) => { compile(): CompiledQuery }): (values: Readonly<Record<Name, unknown>>) => CompiledQuery {
  const compiled = build((name) => new Slot(name) as never).compile()
  return (values) => ({ ...compiled, parameters: compiled.parameters.map((each) => (each instanceof Slot ? values[each.name as Name] : each)) })
}
