import { done, type Evidence, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { generate } from '../../kit/generate.ts'
import type { Credential, Issuer, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { fillArgv, succeeded } from '../../outside/process/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { asInput, converse, run, runnable } from './run.ts'

/**
 * A password that commands replace and try. They get it on standard input; what they print is not even read. The value is chosen
 * here, so `apply` may be repeated and a lost answer is settled by `probe`.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { principal, apply, probe, asks, rejectedExit } = config
  const tool = apply[0]?.split('/').at(-1) ?? ''
  const seen: Evidence = config.argv === undefined ? {} : { argv: config.argv }
  return {
    traits: {
      value: 'chosen',
      mint: 'replaces',
      acceptor: 'issuer',
      locate: 'value',
      slots: 1,
      // The command is ended at the deadline; what it asked for may still be under way.
      settle: 1_000,
      ends: [],
      fields: { user: 'plain', password: 'secret' },
    },
    identity: () => resourceKey('principal', 'command', principal),
    endpoints: () => [principal],
    idOf: ({ user }) => (user === undefined || user.reveal() === principal ? principal : undefined),
    propose: () => ({
      id: principal,
      fields: { user: new Secret(principal), password: new Secret(generate(config.alphabet, config.length)) },
    }),
    preflight: async (_current, _next, call) => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      const found = await runnable([apply, probe], config, asks, host)
      if (found.is !== 'done') return found
      const exposed = config.argv === undefined ? [] : [`argv: acknowledged: while ${tool} runs, its command line shows the value to everybody on this machine`]
      return done({ evidence: seen, fenced: false, notices: ['unfenced: a command cannot tell an older owner from a newer one', ...exposed] })
    },
    // Commands cannot list: the principal is there because the manifest says so, and who uses it is never seen.
    observe: async (call) => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      return done({ known: [{ id: principal, state: 'on', uses: [] }], complete: false, seenUpTo: 0 })
    },
    mint: async ({ credential }, call) => {
      const ended = asks === undefined
        ? succeeded(await run(wordsFor(apply, credential), config, { ...inputFor(apply, credential), quiet: true, effect: true }, host, call), `apply for ${principal}`)
        : await converse(wordsFor(apply, credential), config, asks, { fields: credential.fields, plain: ['user'] }, host, call)
      return ended.is === 'done' ? done({ credential, evidence: { exit: 0, took: ended.value.took, ...seen } }) : ended
    },
    probe: async (credential, _endpoint, call) => {
      const answer = await run(wordsFor(probe, credential), config, { ...inputFor(probe, credential), quiet: true, effect: false }, host, call)
      if (answer.is !== 'done') return answer
      const { exit } = answer.value
      const verdict: Verdict['verdict'] = exit === 0 ? 'accepted' : exit === rejectedExit ? 'rejected' : 'inconclusive'
      return done({ verdict, code: `exit ${exit}` })
    },
    // The one slot is always on; another state does not exist here and is never planned (traits.ends).
    set: async (id, state) => (state === 'on' ? done({ evidence: {} }) : refused('NOT_NOW', `${state} for ${id}`)),
    close: async () => undefined,
  }
}

/** The words with the fields in their places. A value is among them only where `argv: acknowledged` let it through the schema. */
function wordsFor(argv: readonly string[], { fields }: Credential): readonly string[] {
  return fillArgv(argv, Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value.reveal()]])))
}

/** What has the value among its words does not read it as well. */
function inputFor(argv: readonly string[], credential: Credential): { readonly stdin?: Secret } {
  return argv.some((word) => word.includes('{password}')) ? {} : { stdin: asInput(credential) }
}
