import { type Answer, done, type Evidence, refused } from '../../kit/answer.ts'
import { freshNonce, whichAnswers } from '../../kit/challenge.ts'
import type { Attestation, Attestor, Presented } from '../../kit/consumer.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Secret } from '../../kit/secret.ts'
import { jsonAt } from '../../outside/expectation.ts'
import { request } from '../../outside/http/index.ts'
import type { AttestorConfig } from './manifest.ts'

/**
 * Asks an instance which value it holds: `POST {"nonce": ...}` to its address, which answers `{"answer": ...}`; where it accepts others
 * beside it, `{"answer": ..., "others": [...]}` with an answer for each of them.
 */
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
      if (next.others === undefined || config.entry !== undefined) return seen(whichAnswers(said, nonce, value, old === undefined ? undefined : held(config, old)), { status })
      const others = othersIn(text)
      if (others === undefined) return seen('unseen', { status, unmet: 'json:others' })
      const holds = (which: Presented | undefined): boolean => which !== undefined && isAnsweredBy(config, which, nonce, said, others)
      return seen(holds(next) ? 'new' : holds(old) ? 'old' : 'neither', { status, others: others.length })
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

/** Whether these are the answers of who presents this one and accepts exactly the others beside it. */
function isAnsweredBy(config: AttestorConfig, which: Presented, nonce: string, said: string, others: readonly string[]): boolean {
  const wanted = (which.others ?? []).map((fields) => held(config, { ...which, fields }))
  const answers = (answer: string, value: Secret | undefined): boolean => value !== undefined && whichAnswers(answer, nonce, value, undefined) === 'new'
  return answers(said, held(config, which)) && others.length === wanted.length && wanted.every((value) => others.some((answer) => answers(answer, value)))
}

function answerIn(text: string): string | undefined {
  const answer = jsonIn(text, 'answer')
  return typeof answer === 'string' ? answer : undefined
}

function othersIn(text: string): readonly string[] | undefined {
  const others = jsonIn(text, 'others')
  return Array.isArray(others) && others.every((each) => typeof each === 'string') ? others : undefined
}

function jsonIn(text: string, name: string): unknown {
  try {
    return jsonAt(JSON.parse(text), name)
  } catch {
    return undefined
  }
}
