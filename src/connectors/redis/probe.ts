import { type Answer, type Call, type Credential, done, label, placeLabel, refused, unknown, type Verdict } from '../../kit/index.ts'
import { contradiction, probePairAt } from '../../outside/probe-pair.ts'
import { ServerRefusal, wordOf } from './failure.ts'
import type { Node } from './nodes.ts'
import { login } from './session.ts'

/**
 * One fresh login with the credential. `rejected` is WRONGPASS, which Redis answers to a wrong password, to an unknown user and to one
 * that is off; a server that is full or still loading says something else and is `inconclusive`.
 */
export async function probeAt({ target }: Node, credential: Credential, call: Call): Promise<Answer<Verdict>> {
  const { user, password } = credential.fields
  if (user === undefined || password === undefined || password.reveal() === '') return refused('USAGE', 'a credential has user and password')
  try {
    const session = await login({ ...target, user: user.reveal(), password }, call)
    session.close()
    return done({ verdict: 'accepted', code: 'OK' })
  } catch (thrown) {
    if (call.signal.aborted) return unknown('DEADLINE', placeLabel(target.host, target.port))
    const code = wordOf(thrown)
    return done({ verdict: thrown instanceof ServerRefusal && code === 'WRONGPASS' ? 'rejected' : 'inconclusive', code })
  }
}

/** See {@link probePairAt}. Undefined when a verdict means something. */
export function proveProbe(current: Credential, nodes: readonly Node[], call: Call): Promise<Answer<never> | undefined> {
  return probePairAt(nodes, current, (node, credential) => probeAt(node, credential, call), notWanted)
}

function notWanted(seen: Verdict, name: string): Answer<never> {
  const evidence = { endpoint: label(name), code: label(seen.code) }
  if (seen.verdict === 'accepted') return refused('PROBE_MEANINGLESS', `${name}: the user is open to any password (nopass); give it one first`, evidence)
  return contradiction(seen, name) ?? unknown('UNREACHABLE', name, evidence)
}
