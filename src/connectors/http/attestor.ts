import { type Answer, done, type Evidence, refused } from '../../kit/answer.ts'
import { freshNonce, whichAnswers } from '../../kit/challenge.ts'
import type { Attestation, Attestor, Presented } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Secret } from '../../kit/secret.ts'
import { jsonAt } from '../../outside/expectation.ts'
import { request } from '../../outside/http/index.ts'
import type { AttestorConfig } from './manifest.ts'

/** Asks an instance which value it holds: `POST {"nonce": ...}` to its address, which answers `{"answer": ...}`. */
export function openAttestor(config: AttestorConfig): Attestor {
  return {
    proof: 'challenge',
    attest: async (instance, next, old, call) => {
      const url = config.challenges?.[instance.name] ?? config.challenge?.replaceAll('{name}', encodeURIComponent(instance.name))
      if (url === undefined) return refused('MANIFEST_INVALID', `\`challenges\` has no address for ${instance.name}`)
      const value = held(config, next)
      if (value === undefined) return refused('MANIFEST_INVALID', 'say which `field` or `entry` the instances hold')
      const nonce = freshNonce()
      const answer = await request(
        { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ nonce }) },
        { signal: AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))]) },
      )
      if (answer.is === 'ask' || (answer.is === 'refused' && answer.code === 'MANIFEST_INVALID')) return answer
      if (answer.is !== 'done') return seen('unseen', { cause: answer.code })
      const { status, text } = answer.value
      if (status !== 200) return seen('unseen', { status })
      const said = answerIn(text)
      if (said === undefined) return seen('unseen', { status, unmet: 'json:answer' })
      return seen(whichAnswers(said, nonce, value, old === undefined ? undefined : held(config, old)), { status })
    },
  }
}

function seen(holds: Attestation['holds'], evidence: Evidence): Answer<Attestation> {
  return done({ holds, by: 'challenge', evidence })
}

function held({ field, entry }: AttestorConfig, { fields, entries }: Presented): Secret | undefined {
  if (entry !== undefined) return entries[entry]
  if (field !== undefined) return fields[field]
  const all = Object.values(fields)
  return fields['password'] ?? (all.length === 1 ? all[0] : undefined)
}

function answerIn(text: string): string | undefined {
  try {
    const answer = jsonAt(JSON.parse(text), 'answer')
    return typeof answer === 'string' ? answer : undefined
  } catch {
    return undefined
  }
}
