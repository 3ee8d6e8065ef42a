import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import type { Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { type Chance, makeValue } from './make.ts'
import type { IssuerConfig } from './manifest.ts'

/** What plans and proofs call the place where the value is accepted: there is none but the consumers. */
const CONSUMERS = 'consumers'
const NOTICE = 'no server knows this value: what its consumers attest is the only proof'

/**
 * A value that no server knows. To mint it is to choose it: the engine has it sealed before this is called, and nothing outside
 * is touched. No probe can tell whether it is accepted; the consumers' attestation is the only proof.
 */
export function openIssuer(config: IssuerConfig, host: Pick<Host, 'base'>, chance?: Chance): Issuer {
  const { name } = config
  const twice = config.strategy === 'dual-key'
  return {
    traits: {
      value: 'chosen',
      mint: twice ? 'adds' : 'replaces',
      acceptor: 'consumers',
      locate: 'value',
      slots: twice ? 2 : 1,
      settle: 0,
      ends: [],
      fields: { value: 'secret' },
    },
    // The folder tells apart the values of two systems on one machine that have one name.
    identity: () => resourceKey('principal', 'random', host.base, name),
    endpoints: () => [CONSUMERS],
    idOf: ({ value }) => (value === undefined ? undefined : name),
    propose: () => ({ id: name, fields: { value: new Secret(makeValue(config, chance)) } }),
    preflight: async (_current, _next, call) =>
      inTime(call, { evidence: { format: config.format }, fenced: false, notices: [NOTICE] }),
    observe: async (call) => inTime(call, { known: [], complete: false, seenUpTo: 0 }),
    mint: async ({ credential }, call) => inTime(call, { credential, evidence: {} }),
    probe: async (_credential, _endpoint, call) => inTime(call, { verdict: 'inconclusive', code: CONSUMERS }),
    // Nothing can be turned off here: the old value ends when the consumers take the new one.
    set: async (_id, state, call) => (state === 'on' ? inTime(call, { evidence: {} }) : refused('NOT_NOW', name)),
    close: async () => undefined,
  }

  function inTime<T>({ signal }: Call, value: T): Answer<T> {
    return signal.aborted ? refused('DEADLINE', name) : done(value)
  }
}
