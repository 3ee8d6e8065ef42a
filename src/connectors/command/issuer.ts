import { done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { generate } from '../../kit/generate.ts'
import type { Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { succeeded } from '../../outside/process/index.ts'
import { exposure, inputFor, probing, wordsFor } from './handing.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import { openOverlap } from './overlap.ts'
import { converse, run, runnable } from './run.ts'

/** A password that commands replace, or credentials that commands make and end beside each other. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  // The schema lets no other pair through.
  const { apply = [], mint = [], revoke = [] } = config
  return config.strategy === 'overlap' ? openOverlap({ ...config, mint, revoke }, host) : openReplacing({ ...config, apply }, host)
}

/**
 * They get the password on standard input or are told it when they ask; what they print is not even read. The value is chosen here, so
 * `apply` may be repeated and a lost answer is settled by `probe`.
 */
function openReplacing(config: IssuerConfig & { readonly apply: readonly string[] }, host: Host): Issuer {
  const { principal, apply, probe, asks } = config
  const { seen, notices } = exposure(config, [apply, probe])
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
      return done({ evidence: seen, fenced: false, notices: ['unfenced: a command cannot tell an older owner from a newer one', ...notices] })
    },
    // Commands cannot list: the principal is there because the manifest says so, and who uses it is never seen.
    observe: async (call) => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      return done({ known: [{ id: principal, state: 'on', uses: [] }], complete: false, seenUpTo: 0 })
    },
    mint: async ({ credential }, call) => {
      const words = wordsFor(apply, credential)
      const ended = asks === undefined
        ? succeeded(await run(words, config, { ...inputFor(apply, credential), quiet: true, effect: true }, host, call), `apply for ${principal}`)
        : await converse(words, config, asks, { fields: credential.fields, plain: ['user'] }, host, call)
      return ended.is === 'done' ? done({ credential, evidence: { exit: 0, took: ended.value.took, ...seen } }) : ended
    },
    probe: probing(config, host),
    // The one slot is always on; another state does not exist here and is never planned (traits.ends).
    set: async (id, state) => (state === 'on' ? done({ evidence: {} }) : refused('NOT_NOW', `${state} for ${id}`)),
    close: async () => undefined,
  }
}
