import { type Answer, type Call, type Credential, done, label, placeLabel, refused, unknown, type Verdict } from '../../kit/index.ts'
import { contradiction, probePairAt } from '../../outside/probe-pair.ts'
import type { Node } from './admin.ts'
import { codeOf, RATE_LIMIT, UNAUTHORIZED, wordOf } from './failure.ts'
import { login } from './session.ts'

/**
 * One fresh login with the credential. `rejected` is Unauthorized, which the server answers to a wrong password, to an unknown user and to
 * one that is suspended. Not AuthenticationRateLimit: while it lasts the right password is answered the same.
 */
export async function probeAt({ target }: Node, credential: Credential, call: Call): Promise<Answer<Verdict>> {
  const { user, password } = credential.fields
  if (user === undefined || password === undefined) return refused('USAGE', 'a credential has user and password')
  try {
    const session = await login({ ...target, user: user.reveal(), password }, call)
    await session.close()
    return done({ verdict: 'accepted', code: 'OK' })
  } catch (thrown) {
    if (call.signal.aborted) return unknown('DEADLINE', placeLabel(target.host, target.port))
    return done({ verdict: codeOf(thrown) === UNAUTHORIZED ? 'rejected' : 'inconclusive', code: wordOf(thrown) })
  }
}

/** See {@link probePairAt}. Undefined when a verdict means something. */
export function proveProbe(current: Credential, nodes: readonly Node[], call: Call): Promise<Answer<never> | undefined> {
  return probePairAt(nodes, current, (node, credential) => probeAt(node, credential, call), notWanted)
}

function notWanted(seen: Verdict, name: string): Answer<never> {
  const evidence = { endpoint: label(name), code: label(seen.code) }
  if (seen.verdict === 'accepted') return refused('PROBE_MEANINGLESS', `${name}: any password is let in (dbms.security.auth_enabled is false)`, evidence)
  if (seen.code === RATE_LIMIT) return unknown('RATE_LIMITED', `${name}: somebody shows wrong passwords of this user; the server lets it in no more for a while`, evidence)
  return contradiction(seen, name) ?? unknown('UNREACHABLE', name, evidence)
}
