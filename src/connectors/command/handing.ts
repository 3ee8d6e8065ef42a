import { done, type Evidence } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Credential, Issuer, Verdict } from '../../kit/issuer.ts'
import type { Secret } from '../../kit/secret.ts'
import { fillArgv } from '../../outside/process/index.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import { asInput, run } from './run.ts'

const holds = (argv: readonly string[]): boolean => argv.some((word) => word.includes('{password}'))

/** The words with the fields in their places. A value is among them only where `argv: acknowledged` let it through the schema. */
export function wordsFor(argv: readonly string[], { fields }: Credential): readonly string[] {
  return fillArgv(argv, Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value.reveal()]])))
}

/** What has the value among its words does not read it as well. */
export function inputFor(argv: readonly string[], credential: Credential): { readonly stdin?: Secret } {
  return holds(argv) ? {} : { stdin: asInput(credential) }
}

/** What the plan and the journal say of values in command lines; nothing where there are none. */
export function exposure({ argv }: Pick<IssuerConfig, 'argv'>, commands: readonly (readonly string[])[]): { readonly seen: Evidence; readonly notices: readonly string[] } {
  if (argv === undefined) return { seen: {}, notices: [] }
  const tools = new Set(commands.filter(holds).map(([name = '']) => name.slice(name.lastIndexOf('/') + 1)))
  return { seen: { argv }, notices: [...tools].map((tool) => `argv: acknowledged: while ${tool} runs, its command line shows the value to everybody on this machine`) }
}

/** A fresh login by the command, whose exit code is the verdict. */
export function probing(config: IssuerConfig, host: Host): Issuer['probe'] {
  const { probe, rejectedExit } = config
  return async (credential, _endpoint, call) => {
    const answer = await run(wordsFor(probe, credential), config, { ...inputFor(probe, credential), quiet: true, effect: false }, host, call)
    if (answer.is !== 'done') return answer
    const { exit } = answer.value
    const verdict: Verdict['verdict'] = exit === 0 ? 'accepted' : exit === rejectedExit ? 'rejected' : 'inconclusive'
    return done({ verdict, code: `exit ${exit}` })
  }
}
