import { type Answer, label, refused } from '../kit/answer.ts'
import type { Verdict } from '../kit/issuer.ts'

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

/** What a verdict means that was not wanted, where it is one; undefined for an inconclusive one, whose code only the connector knows. */
export function contradiction({ verdict, code }: Verdict, endpoint: string): Answer<never> | undefined {
  const evidence = { endpoint: label(endpoint), code: label(code) }
  if (verdict === 'accepted') return refused('PROBE_MEANINGLESS', endpoint, evidence)
  return verdict === 'rejected' ? refused('CREDENTIAL_REJECTED', endpoint, evidence) : undefined
}
