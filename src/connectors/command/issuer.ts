import { randomBytes } from 'node:crypto'
import { done, refused } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import { generate } from '../../kit/generate.ts'
import type { Issuer, Verdict } from '../../kit/issuer.ts'
import { succeeded } from '../../kit/process/index.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import type { IssuerConfig } from './manifest.ts'
import { asInput, present, run } from './run.ts'

/**
 * A password that commands apply and try. They get it on standard input; what they print is not even read. The value is chosen
 * here, so `apply` may be repeated and a lost answer is settled by `probe`.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const { principal, apply, probe, end, rejectedExit, strategy } = config
  const commands = end === undefined ? [apply, probe] : [apply, probe, end]
  const adds = strategy === 'overlap'

  const idOf = (fields: Fields): string | undefined => {
    const user = fields['user']?.reveal() ?? (adds ? undefined : principal)
    if (user === principal) return principal
    return adds && user?.startsWith(`${principal}-`) === true ? user : undefined
  }

  return {
    traits: {
      value: 'chosen',
      mint: adds ? 'adds' : 'replaces',
      acceptor: 'issuer',
      locate: 'value',
      slots: adds ? 2 : 1,
      // The command is ended at the deadline; what it asked for may still be under way.
      settle: 1_000,
      ends: adds ? ['gone'] : [],
      fields: { user: 'plain', password: 'secret' },
    },
    identity: () => resourceKey('principal', 'command', principal),
    endpoints: () => [principal],
    idOf,
    propose: () => {
      const id = adds ? `${principal}-${randomBytes(4).toString('hex')}` : principal
      return { id, fields: { user: new Secret(id), password: new Secret(generate(config.alphabet, config.length)) } }
    },
    preflight: async () => {
      const found = present(commands, config, host)
      if (found.is !== 'done') return found
      return done({ evidence: {}, fenced: false, notices: ['unfenced: a command cannot tell an older owner from a newer one'] })
    },
    // Commands cannot list; who uses a credential is never seen.
    observe: async () => done({ known: adds ? [] : [{ id: principal, state: 'on', uses: [] }], complete: false, seenUpTo: 0 }),
    mint: async ({ credential }, call) => {
      const handed = { stdin: asInput(credential), quiet: true, effect: true }
      const ended = succeeded(await run(apply, config, handed, host, call), `apply ${credential.id}`)
      return ended.is === 'done' ? done({ credential, evidence: { exit: 0, took: ended.value.took } }) : ended
    },
    probe: async (credential, _endpoint, call) => {
      const answer = await run(probe, config, { stdin: asInput(credential), quiet: true, effect: false }, host, call)
      if (answer.is !== 'done') return answer
      const { exit } = answer.value
      const verdict: Verdict['verdict'] = exit === 0 ? 'accepted' : exit === rejectedExit ? 'rejected' : 'inconclusive'
      return done({ verdict, code: `exit ${exit}` })
    },
    set: async (id, state, call) => {
      // Nothing to do for `on`; `off` does not exist here and is never planned (traits.ends).
      if (state !== 'gone' || end === undefined) return state === 'on' ? done({ evidence: {} }) : refused('NOT_NOW', `${state} ${id}`)
      const ended = succeeded(await run(end, config, { stdin: asInput({ id }), quiet: true, effect: true }, host, call), `end ${id}`)
      return ended.is === 'done' ? done({ evidence: { exit: 0, took: ended.value.took } }) : ended
    },
    close: async () => undefined,
  }
}
