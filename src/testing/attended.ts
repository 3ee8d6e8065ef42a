import { done, type TaskRequest } from '../kit/answer.ts'
import type { Consumer } from '../kit/consumer.ts'
import type { Issuer } from '../kit/issuer.ts'
import type { Fields, Secret } from '../kit/secret.ts'
import { secretsOf } from './overheard.ts'

/** Who does what an issuer asks: for a mint the fields of what was made, else nothing. `id` is the credential that is meant. */
export type IssuerPerson = (task: TaskRequest, id?: string) => Promise<Fields>

/** The issuer together with its person, as the engine sees them after an answer; what is handed in is remembered among the values. */
export function attendedIssuer(issuer: Issuer, person: IssuerPerson | undefined, values: Secret[]): Issuer {
  if (person === undefined) return issuer
  return {
    ...issuer,
    mint: async (intent, call) => {
      const answer = await issuer.mint(intent, call)
      if (answer.is !== 'ask') return answer
      const fields = await person(answer.task)
      const credential = { id: issuer.idOf(fields) ?? '', fields }
      values.push(...secretsOf(issuer, credential))
      return done({ credential, evidence: {} })
    },
    set: async (id, state, call, credential) => {
      const answer = await issuer.set(id, state, call, credential)
      if (answer.is !== 'ask') return answer
      await person(answer.task, id)
      return done({ evidence: {} })
    },
  }
}

/** The consumer together with the person who reloads it. */
export function attendedConsumer(consumer: Consumer, person: ((task: TaskRequest) => Promise<void>) | undefined): Consumer {
  if (person === undefined) return consumer
  return {
    ...consumer,
    reload: async (...args) => {
      const answer = await consumer.reload(...args)
      if (answer.is !== 'ask') return answer
      await person(answer.task)
      return done({ evidence: {} })
    },
  }
}
