import type { CompiledQuery } from 'kysely'
import type { Written } from './commit.ts'

/**
 * All statements as one, which PostgreSQL carries out whole or not at all: one way there and back instead of one for each of them, the
 * beginning and the end. It fails when the first one changes no row, see {@link foundNothing}. Undefined where they cannot be one: each
 * sees what was there before all of them, so the first has to be the condition, and the others may only add rows, or take away such
 * as were there before, where none of them adds any.
 */
export function joined(statements: readonly Written[]): CompiledQuery | undefined {
  const [first, ...others] = statements
  if (first?.unless === undefined || others.some(({ unless }) => unless !== undefined)) return undefined
  const changes = others.map(({ query }) => /^(insert into|delete from) ("\w+")/.exec(query.sql))
  const added = new Set(changes.map((change) => (change?.[1] === 'insert into' ? change[2] : undefined)))
  if (changes.some((change) => change === null || (change[1] === 'delete from' && added.has(change[2])))) return undefined
  const parameters: unknown[] = []
  const parts = statements.map(({ query }, index) => {
    const text = query.sql.replaceAll(/\$(\d+)/g, (_, number: string) => `$${Number(number) + parameters.length}`)
    parameters.push(...query.parameters)
    return `w${index} as (${text}${index === 0 ? ' returning 1' : ''})`
  })
  // A division by zero takes back what the others have added.
  return { ...first.query, sql: `with ${parts.join(', ')} select 1 / count(*) from w0`, parameters }
}

/** Whether the first statement changed nothing, so that nothing was written (division_by_zero). */
export function foundNothing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === '22012'
}
