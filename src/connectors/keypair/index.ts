import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import type { Credential, Issuer } from '../../kit/issuer.ts'
import type { IssuerConfig } from './manifest.ts'
import { completePair, makePair, pairId } from './pair.ts'

/** What plans and proofs call the place where the key is accepted: there is none but those who verify. */
const CONSUMERS = 'consumers'
const NOTICE = 'no server knows this key: what its consumers attest is the only proof'

/**
 * A pair of keys that we make and the consumers check. To mint it is to choose it: the engine has it sealed before this is called, and
 * nothing outside is touched. A credential's id is its key id.
 */
export function openIssuer(config: IssuerConfig, host: Pick<Host, 'base'>): Issuer {
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
      fields: { private: 'secret', public: 'plain', jwk: 'plain', kid: 'plain' },
    },
    identity: () => resourceKey('principal', 'keypair', host.base, name),
    endpoints: () => [CONSUMERS],
    idOf: (fields) => pairId(fields, config),
    complete: (fields) => completePair(fields, config),
    propose: () => credentialOf(config),
    preflight: async (_current, _next, call) => inTime(call, { evidence: { alg: config.alg }, fenced: false, notices: [NOTICE] }),
    observe: async (call) => inTime(call, { known: [], complete: false, seenUpTo: 0 }),
    mint: async ({ credential }, call) => inTime(call, { credential, evidence: {} }),
    probe: async (_credential, _endpoint, call) => inTime(call, { verdict: 'inconclusive', code: CONSUMERS }),
    // Nothing can be turned off here: a key ends when those who verify forget it.
    set: async (_id, state, call) => (state === 'on' ? inTime(call, { evidence: {} }) : refused('NOT_NOW', name)),
    close: async () => undefined,
  }

  function inTime<T>({ signal }: Call, value: T): Answer<T> {
    return signal.aborted ? refused('DEADLINE', name) : done(value)
  }
}

function credentialOf(config: IssuerConfig): Credential {
  const fields = makePair(config)
  return { id: fields['kid']?.reveal() ?? '', fields }
}
