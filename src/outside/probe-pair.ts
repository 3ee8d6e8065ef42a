import { type Answer, label, refused } from '../kit/answer.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import type { Credential, Verdict } from '../kit/issuer.ts'
import { Secret } from '../kit/secret.ts'

/** Which of the two is shown. */
export type Shown = 'wrong' | 'current'

/**
 * A probe has to be able to fail before it counts (I12): at every endpoint a wrong credential must be rejected and the current one
 * accepted. The right one comes last, which sets a server's count of wrong ones back. Undefined when both hold; else the answer of the
 * probe, or what `say` makes of a verdict that was not wanted.
 */
export async function probePair(
  endpoints: Iterable<string>,
  probe: (shown: Shown, endpoint: string) => Promise<Answer<Verdict>>,
  say: (seen: Verdict, endpoint: string, wanted: 'accepted' | 'rejected') => Answer<never>,
): Promise<Answer<never> | undefined> {
  for (const endpoint of endpoints) {
    for (const [shown, wanted] of [['wrong', 'rejected'], ['current', 'accepted']] as const) {
      const answer = await probe(shown, endpoint)
      if (answer.is !== 'done') return answer
      if (answer.value.verdict !== wanted) return say(answer.value, endpoint, wanted)
    }
  }
  return undefined
}

/** The pair at every node of a system whose credential has a password; the wrong one is a password that nobody has. */
export function probePairAt<Node extends { readonly name: string }>(
  nodes: readonly Node[], current: Credential,
  probe: (node: Node, credential: Credential) => Promise<Answer<Verdict>>,
  say: (seen: Verdict, name: string) => Answer<never>,
): Promise<Answer<never> | undefined> {
  const shown = { current, wrong: { id: current.id, fields: { ...current.fields, password: new Secret(generate(ALNUM, 40)) } } }
  const byName = new Map(nodes.map((node) => [node.name, node]))
  return probePair(byName.keys(), async (which, name) => {
    const node = byName.get(name)
    return node === undefined ? refused('USAGE', `there is no node ${name}`) : probe(node, shown[which])
  }, say)
}

/** What a verdict means that was not wanted, where it is one; undefined for an inconclusive one, whose code only the connector knows. */
export function contradiction({ verdict, code }: Verdict, endpoint: string): Answer<never> | undefined {
  const evidence = { endpoint: label(endpoint), code: label(code) }
  if (verdict === 'accepted') return refused('PROBE_MEANINGLESS', endpoint, evidence)
  return verdict === 'rejected' ? refused('CREDENTIAL_REJECTED', endpoint, evidence) : undefined
}
