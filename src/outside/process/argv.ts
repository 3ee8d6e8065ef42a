import { z } from 'zod'
import type { Call, Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'

/**
 * A command as people write it: a list of words, no shell. References are refused because everybody on the machine can read the
 * arguments of a process (C-01).
 */
export const argvSchema = z
  .array(
    z
      .string()
      .refine((word) => !word.includes('${'), 'no references: everybody can see a command line; use `env`, or standard input')
      .refine((word) => !word.includes('\0'), 'holds a zero byte'),
  )
  .min(1)
  .refine((argv) => argv[0] !== '', 'the command has no name')

/** Names of variables that say that their value is a secret. */
const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|PWD|PASSPHRASE|TOKEN|SECRET|CREDENTIALS?|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEY)(?:_|$)/i

/** A plan and the journal hold the configuration as it is written: a value in it would lie there for ever (I11). */
function isLiteral(name: string, text: string): boolean {
  return SECRET_NAME.test(name) && text !== '' && !text.includes('${') && !/^(?:[/.~]|true$|false$|\d+$)/.test(text)
}

/** Variables that a command gets beside the allow-list. Values may hold references: the configuration asks for each by name. */
export const environmentSchema = z
  .record(z.string().regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable'), z.string())
  .refine((env) => !Object.entries(env).some(([name, text]) => isLiteral(name, text)), 'a variable with the name of a secret holds a reference such as `${env:NAME}`')
  .optional()
  .describe('Variables that the command gets beside PATH, HOME, LANG, LC_*, TZ, USER and TMPDIR; values may hold references.')

/** Resolves the values at this moment, before the deadline of the call; what the host gives every command is among them. Throws as `Host.resolve` does. */
export async function resolveEnvironment(
  env: z.infer<typeof environmentSchema>,
  host: Host,
  call?: Pick<Call, 'signal' | 'deadline'>,
): Promise<Readonly<Record<string, Secret>>> {
  const resolving = Object.entries(env ?? {}).map(async ([key, text]) => [key, await host.resolve(text, call)] as const)
  const given = Object.entries(host.env ?? {}).map(([key, text]) => [key, new Secret(text)] as const)
  return Object.fromEntries([...given, ...(await Promise.all(resolving))])
}

/** Puts names in the place of `{word}`; an argument that is exactly `{word}` becomes as many as there are names. */
export function fillArgv(argv: readonly string[], words: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return argv.flatMap((argument) => {
    const whole = /^\{(\w+)\}$/.exec(argument)?.[1]
    const names = whole === undefined ? undefined : words[whole]
    return names ?? [argument.replaceAll(/\{(\w+)\}/g, (all, word: string) => words[word]?.join(' ') ?? all)]
  })
}
