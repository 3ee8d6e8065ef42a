import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, type Credential, done, label, placeLabel, refused, Secret, unknown, type Verdict } from '../../kit/index.ts'
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

/**
 * The probe has to be able to fail before it counts (I12): at every node a wrong password must be rejected and the current credential
 * accepted. Undefined when both hold.
 */
export async function proveProbe(current: Credential, nodes: readonly Node[], call: Call): Promise<Answer<never> | undefined> {
  const wrong = { id: current.id, fields: { ...current.fields, password: new Secret(generate(ALNUM, 40)) } }
  for (const node of nodes) {
    const lie = expectVerdict(await probeAt(node, wrong, call), 'rejected', node)
    if (lie !== undefined) return lie
    const truth = expectVerdict(await probeAt(node, current, call), 'accepted', node)
    if (truth !== undefined) return truth
  }
  return undefined
}

function expectVerdict(answer: Answer<Verdict>, wanted: 'accepted' | 'rejected', { name }: Node): Answer<never> | undefined {
  if (answer.is !== 'done') return answer
  const { verdict, code } = answer.value
  if (verdict === wanted) return undefined
  const evidence = { endpoint: label(name), code: label(code) }
  if (verdict === 'accepted') return refused('PROBE_MEANINGLESS', `${name}: the user is open to any password (nopass); give it one first`, evidence)
  if (verdict === 'rejected') return refused('CREDENTIAL_REJECTED', name, evidence)
  return unknown('UNREACHABLE', name, evidence)
}
