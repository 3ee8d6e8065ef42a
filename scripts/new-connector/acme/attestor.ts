import { z } from 'zod'
import { type Answer, type Attestation, type Attestor, done, type Evidence, freshNonce, type Host, refused, whichAnswers } from '../../../src/kit/index.ts'
import { ask } from './api.ts'
import type { AttestorConfig } from './manifest.ts'

// Lenient: what a provider adds to its answers some day is no error here.
const answerSchema = z.object({ answer: z.string() })

/**
 * Asks an instance, by way of Acme, to prove which value it holds: a nonce goes in, an answer comes out that only a holder of the
 * value can make (`answerChallenge` in src/kit/challenge.ts). What could not be asked is `unseen`. The law is at `Attestor` in
 * src/kit/consumer.ts.
 */
export function openAttestor(config: AttestorConfig, host: Host): Attestor {
  return {
    proof: 'challenge',
    attest: async (instance, next, old, call) => {
      const value = next.fields[config.field]
      if (value === undefined) return refused('MANIFEST_INVALID', `there is no field ${config.field}`)
      const nonce = freshNonce()
      const path = `/instances/${encodeURIComponent(instance.name)}/attest`
      const answer = await ask(config, { method: 'POST', path, body: { nonce } }, answerSchema, host, call)
      if (answer.is === 'ask') return answer
      if (answer.is !== 'done') return seen('unseen', { cause: answer.code })
      return seen(whichAnswers(answer.value.answer, nonce, value, old?.fields[config.field]), {})
    },
  }
}

function seen(holds: Attestation['holds'], evidence: Evidence): Answer<Attestation> {
  return done({ holds, by: 'challenge', evidence })
}
