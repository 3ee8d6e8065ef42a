import { createHash } from 'node:crypto'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Host, resourceKey } from '../../kit/call.ts'
import type { Credential, Issuer } from '../../kit/issuer.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { jsonAt } from '../../outside/expectation.ts'
import { fillArgv, succeeded } from '../../outside/process/index.ts'
import type { IssuerConfig } from './issuer-schema.ts'
import { exposure, inputFor, probing, wordsFor } from './handing.ts'
import { run, runnable } from './run.ts'

/** The id of a credential that is not made yet. */
const PENDING = 'pending'

/**
 * Credentials that one command makes, and another one ends. Nothing lists them: a mint whose answer was lost is for a person to find,
 * and who uses one is never seen.
 */
export function openOverlap(config: IssuerConfig & { readonly mint: readonly string[]; readonly revoke: readonly string[] }, host: Host): Issuer {
  const { principal, mint, revoke, probe, answer = 'text' } = config
  const hasUser = config.fields.user !== undefined
  const { seen, notices } = exposure(config, [revoke, probe])
  return {
    traits: {
      value: 'made',
      mint: 'adds',
      acceptor: 'issuer',
      locate: 'none',
      slots: config.slots ?? 2,
      // The command is ended at the deadline; what it asked for may still be under way.
      settle: 1_000,
      ends: ['gone'],
      fields: hasUser ? { user: 'plain', password: 'secret' } : { password: 'secret' },
    },
    identity: () => resourceKey('principal', 'command', principal),
    endpoints: () => [principal],
    idOf: (fields) => idOf(fields, hasUser),
    propose: () => ({ id: PENDING, fields: {} }),
    preflight: async (_current, _next, call) => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      const found = await runnable([mint, revoke, probe], config, undefined, host)
      return found.is === 'done' ? done({ evidence: seen, fenced: false, notices: ['unfenced: a command cannot tell an older owner from a newer one', ...notices] }) : found
    },
    observe: async (call) => (call.signal.aborted ? refused('DEADLINE', principal) : done({ known: [], complete: false, seenUpTo: 0 })),
    mint: async ({ tag }, call) => {
      const about = `mint for ${principal}`
      const ended = await run(fillArgv(mint, { tag: [tag] }), config, { quiet: false, effect: true }, host, call)
      if (ended.is === 'done' && ended.value.exit !== 0 && ended.value.exit === config.fullExit) return refused('SLOTS_FULL', principal)
      const printed = succeeded(ended, about)
      if (printed.is !== 'done') return printed
      const { stdout, complete, took } = printed.value
      const credential = complete ? credentialIn(stdout, answer, hasUser) : undefined
      if (credential === undefined) return unknown('RESPONSE_UNFIT', about, { exit: 0, took })
      const { password } = credential.fields
      if (password !== undefined) host.conceal(password)
      return done({ credential, evidence: { exit: 0, took } })
    },
    probe: probing(config, host),
    set: async (id, state, call, credential): Promise<Answer<{ readonly evidence: Readonly<Record<string, string | number>> }>> => {
      if (call.signal.aborted) return refused('DEADLINE', principal)
      // Nothing here turns one off, so one that was not ended is on.
      if (state === 'on') return done({ evidence: {} })
      if (state === 'off') return refused('NOT_NOW', `off for ${principal}`)
      if (id === PENDING) return done({ evidence: {} })
      const known: Credential = credential ?? { id, fields: {} }
      if (known.fields['password'] === undefined && revoke.some((word) => word.includes('{password}'))) return refused('NOT_NOW', `the value of ${id} is not known, and \`revoke\` needs it`)
      const ended = succeeded(await run(fillArgv(wordsFor(revoke, known), { id: [id] }), config, { ...inputFor(revoke, known), quiet: true, effect: true }, host, call), `revoke for ${principal}`)
      return ended.is === 'done' ? done({ evidence: { exit: 0, took: ended.value.took, ...seen } }) : ended
    },
    close: async () => undefined,
  }
}

/** The provider's own id, or a part of the value's digest: of a random value that tells nothing. */
function idOf({ user, password }: Fields, hasUser: boolean): string | undefined {
  if (hasUser) return user?.reveal()
  return password === undefined ? undefined : createHash('sha256').update(password.reveal()).digest('hex').slice(0, 16)
}

/** What was printed, taken apart; undefined when it is not as the manifest says. */
function credentialIn(stdout: string, answer: NonNullable<IssuerConfig['answer']>, hasUser: boolean): Credential | undefined {
  const texts = answer === 'text' ? { password: stdout.replace(/\r?\n$/, '') } : atPaths(stdout, answer)
  const entries = Object.entries(texts)
  // One line, or it is something else than a value that was printed.
  if (entries.some(([, value]) => typeof value !== 'string' || value === '' || /[\r\n]/.test(value))) return undefined
  const fields: Fields = Object.fromEntries(entries.map(([name, value]) => [name, new Secret(String(value))]))
  const id = idOf(fields, hasUser)
  return id === undefined ? undefined : { id, fields }
}

function atPaths(stdout: string, { password, user }: { readonly password: string; readonly user?: string | undefined }): Record<string, unknown> {
  let document: unknown
  try {
    document = JSON.parse(stdout)
  } catch {
    document = undefined
  }
  return { password: jsonAt(document, password), ...(user === undefined ? {} : { user: jsonAt(document, user) }) }
}
