import { z } from 'zod'
import type { Call, Host } from '../../kit/call.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { anchoredSchema } from '../../outside/anchored.ts'
import type { Question } from '../../outside/process/terminal.ts'

/** Questions that ask for what nobody may see. */
const SECRET = /pass(word|phrase|code)?|secret|token|\bkey\b|\bpin\b/i
const PLACEHOLDER = /\{(\w+)\}/g

/** What a command asks on a terminal, in its order, and what is typed then; `fields` are those that may stand in an answer. */
export function asksSchema(fields: readonly string[]) {
  const known = fields.map((field) => `\`{${field}}\``).join(' or ')
  return z
    .array(z.strictObject({
      prompt: anchoredSchema.describe('A regular expression that describes the whole line of the question; white space at its end does not count: `New password:`.'),
      answer: z
        .string()
        .min(1)
        .refine((text) => !/[\r\n\0]/.test(text), 'one line')
        .refine((text) => text.includes('${') || [...text.matchAll(PLACEHOLDER)].every(([, name = '']) => fields.includes(name)), known === '' ? 'no placeholder here' : `no placeholder but ${known}`)
        .describe(`What is typed, with Enter after it${known === '' ? '' : `: ${known}`}; a reference such as \`\${env:NAME}\`, or a plain word.`),
    }).refine(({ prompt, answer }) => !SECRET.test(prompt) || /[{]/.test(answer), { path: ['answer'], error: 'a field or a reference such as `${env:NAME}`: what is asked for here is a secret' }))
    .min(1)
    .optional()
    .describe('For a command that asks on a terminal: it is given one of its own. Each question in its order; another one ends it. Needs the package `@lydell/node-pty`.')
}

export type Asks = z.infer<ReturnType<typeof asksSchema>>

/** The questions with their answers, resolved at this moment; an answer is hidden unless all of it is `plain` or written down. Throws as `Host.resolve` does. */
export function questionsFor(asks: NonNullable<Asks>, fields: Fields, plain: readonly string[], host: Host, call: Pick<Call, 'signal' | 'deadline'>): Promise<readonly Question[]> {
  return Promise.all(asks.map(async ({ prompt, answer }): Promise<Question> => {
    if (answer.includes('${')) return { prompt, hidden: true, answer: await host.resolve(answer, call) }
    const hidden = [...answer.matchAll(PLACEHOLDER)].some(([, name = '']) => !plain.includes(name))
    return { prompt, hidden, answer: new Secret(answer.replaceAll(PLACEHOLDER, (whole, name: string) => fields[name]?.reveal() ?? whole)) }
  }))
}
