import { z } from 'zod'
import { ALNUM } from '../../kit/generate.ts'
import { argvSchema } from '../../outside/process/argv.ts'
import { asksSchema } from './asks.ts'
import { surroundings } from './surroundings.ts'

/** The fields of its credentials that may stand in its commands. */
const FIELDS = ['user', 'password']

/** What stands under `issuer:` with `use: command`. */
export const issuerSchema = z
  .strictObject({
    principal: z
      .string()
      .min(1)
      .describe('The canonical name of what is rotated, e.g. `mailer@smtp.example.org`; locks are held on it. With `in-place` the field `user`.'),
    strategy: z.enum(['in-place', 'overlap']).default('in-place').describe('`in-place`: `apply` replaces the one password that there is. `overlap`: `mint` makes one beside it, `revoke` ends it.'),
    apply: argvSchema.optional().describe('With `in-place`: replaces the password. Gets JSON {"id", "fields": {"user", "password"}} on standard input, or asks for it (`asks`). `{user}` may stand in it; `{password}` with `argv: acknowledged`.'),
    asks: asksSchema(FIELDS),
    mint: argvSchema.optional().describe('With `overlap`: makes a credential and prints it. `{tag}` is unique to the attempt. What it prints is read and kept nowhere.'),
    answer: z
      .union([
        z.literal('text'),
        z.strictObject({
          password: z.string().min(1).describe('Where the value stands, by names with dots between them: `data.key`.'),
          user: z.string().min(1).optional().describe('Where the id of the provider stands. Then a store has to hold it, too (`{user}`).'),
        }),
      ])
      .optional()
      .describe('What `mint` prints: `text` (when absent), the value and nothing else; or a JSON document with the value at a path.'),
    fields: z
      .strictObject({ user: z.literal('plain').optional().describe('The id of the provider; it is no secret.'), password: z.literal('secret').describe('The value.') })
      .default({ user: 'plain', password: 'secret' })
      .describe('The fields of a credential. With `overlap` and without `answer.user`: `{ password: secret }`.'),
    revoke: argvSchema.optional().describe('With `overlap`: ends a credential for good, may be repeated, and ends with exit code 0 for one that is gone. `{id}` may stand in it; JSON as for `probe` on standard input, or `{password}` with `argv: acknowledged`.'),
    slots: z.int().min(2).max(1000).optional().describe('With `overlap`: how many can be on at once. 2 when absent.'),
    fullExit: z.int().min(1).max(125).optional().describe('With `overlap`: the exit code of `mint` that says that there is no room and nothing was made.'),
    argv: z.literal('acknowledged').optional().describe('A tool takes the value in no other way than as an argument, where everybody on the machine can see it while it runs: `{password}` may stand in `apply`, `revoke` and `probe`. In the plan, the journal and the receipt.'),
    probe: argvSchema.describe('Logs in afresh with what it gets on standard input, JSON {"id", "fields"}: exit code 0 is accepted.'),
    rejectedExit: z
      .number()
      .int()
      .min(1)
      .max(125)
      .default(1)
      .describe('The exit code of `probe` that says rejected; every other one is inconclusive.'),
    length: z.number().int().min(16).max(512).default(40).describe('With `in-place`: characters of a new password.'),
    alphabet: z
      .string()
      .refine((text) => [...text].length >= 10 && new Set(text).size === [...text].length, 'ten characters or more, each once')
      .default(ALNUM)
      .describe('With `in-place`: the characters of a new password; letters and digits when absent.'),
    ...surroundings,
  })
  .check((context) => {
    for (const { path, message } of contradictionsOf(context.value)) context.issues.push({ code: 'custom', input: context.value, path: [...path], message })
  })

export type IssuerConfig = z.infer<typeof issuerSchema>

interface Contradiction {
  readonly path: readonly (string | number)[]
  readonly message: string
}

function* contradictionsOf(config: Omit<IssuerConfig, 'principal'>): Iterable<Contradiction> {
  const { strategy, asks } = config
  const [needed, other] = strategy === 'overlap' ? [['mint', 'revoke'], ['apply', 'asks']] as const : [['apply'], ['mint', 'answer', 'revoke', 'slots', 'fullExit']] as const
  for (const name of needed) if (config[name] === undefined) yield { path: [name], message: `a command: \`strategy: ${strategy}\` needs it` }
  for (const name of other) if (config[name] !== undefined) yield { path: [name], message: `nothing: it belongs to \`strategy: ${strategy === 'overlap' ? 'in-place' : 'overlap'}\`` }
  const hasUser = strategy === 'in-place' || (config.answer !== undefined && config.answer !== 'text' && config.answer.user !== undefined)
  if ((config.fields.user !== undefined) !== hasUser) yield { path: ['fields'], message: hasUser ? '`{ user: plain, password: secret }`' : '`{ password: secret }`: `answer` brings no `user`' }
  if (asks !== undefined && !asks.some(({ answer }) => answer.includes('{password}'))) yield { path: ['asks'], message: 'a question that is answered with `{password}`: else the command never gets it' }
  yield* shownInArgv(config)
}

/** Where the value would be seen by everybody on the machine, and nobody has said that this is known (C-01). */
function* shownInArgv({ apply = [], mint = [], revoke = [], probe, argv }: Pick<IssuerConfig, 'apply' | 'mint' | 'revoke' | 'probe' | 'argv'>): Iterable<Contradiction> {
  const held = Object.entries({ apply, mint, revoke, probe }).flatMap(([name, words]) => words.flatMap((word, index) => (word.includes('{password}') ? [[name, index] as const] : [])))
  for (const [name, index] of held) if (name === 'mint') yield { path: [name, index], message: 'no value: it is `mint` that makes it' }
  if (argv === undefined) {
    for (const path of held) yield { path, message: 'no value: everybody on the machine can see a command line; have it read standard input, or ask (`asks`). Where the tool takes it in no other way, `argv: acknowledged` beside it' }
  } else if (held.length === 0) yield { path: ['argv'], message: 'nothing: no command line here holds `{password}`' }
}
