import { z } from 'zod'
import type { TaskRequest } from './answer.ts'
import { durationOf, durationSchema } from './duration.ts'

/** What a placeholder of a task looks like: `{id}`. */
const PLACEHOLDER = /\{(\w+)\}/g

/** So much of an id is shown. */
const SHOWN = 200

/** A line that people read, with these names in braces and no others. Tasks are shown and journaled, so nothing in them is resolved. */
export function lineSchema(names: readonly string[] = []): z.ZodString {
  const known = names.length === 0 ? 'no placeholder here' : `no placeholder but ${names.map((name) => `\`{${name}}\``).join(', ')}`
  return z
    .string()
    .min(1)
    .max(500)
    .refine((text) => !/\p{C}/u.test(text), 'one line without control characters')
    .refine((text) => !text.includes('${'), 'no reference: tasks are shown and journaled')
    .refine((text) => [...text.matchAll(PLACEHOLDER)].every(([, name = '']) => names.includes(name)), known)
}

/** What a manifest says of a task for a person; its lines may hold these names in braces. */
export function taskSchema(names: readonly string[] = []) {
  const line = lineSchema(names)
  const may = names.length === 0 ? '' : ` ${names.map((name) => `\`{${name}}\``).join(' and ')} may stand in it.`
  return z.strictObject({
    title: line.optional().describe(`One line that says what is asked.${may}`),
    steps: z.array(line).min(1).describe(`What to do, line by line.${may}`),
    due: durationSchema.optional().describe('How long after it was asked it should be done; then people are reminded. A day when absent.'),
  })
}

/** A task of a manifest; what it leaves out is the connector's to say. */
export interface TaskSpec {
  readonly title?: string | undefined
  readonly steps?: readonly string[] | undefined
  readonly due?: string | undefined
}

/** The words of a connector for what a manifest leaves out. They too may hold placeholders. */
export interface TaskWords {
  readonly title: string
  readonly steps: readonly string[]
}

/** The task that a manifest describes, with its placeholders filled. `values` may come from outside: control characters of theirs are not shown. */
export function taskFrom(kind: TaskRequest['kind'], spec: TaskSpec, words: TaskWords, values: Readonly<Record<string, string>> = {}): TaskRequest {
  const shown = (text: string): string => text.replaceAll(/\p{C}/gu, '?').slice(0, SHOWN)
  const filled = (line: string): string => line.replaceAll(PLACEHOLDER, (whole, name: string) => (values[name] === undefined ? whole : shown(values[name])))
  const { title = words.title, steps = words.steps, due } = spec
  return { kind, title: filled(title), steps: steps.map(filled), ...(due === undefined ? {} : { due: durationOf(due) }) }
}
