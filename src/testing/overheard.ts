import { inspect } from 'node:util'
import type { Answer } from '../kit/answer.ts'
import type { Credential, Issuer } from '../kit/issuer.ts'
import type { Secret } from '../kit/secret.ts'

/** The secret fields of a credential. */
export function secretsOf(issuer: Issuer, credential: Credential): Secret[] {
  return Object.entries(credential.fields).filter(([field]) => issuer.traits.fields[field] === 'secret').map(([, value]) => value)
}

/** The issuer, with all that it answers written down and all values that it proposes or mints remembered. */
export function overheard(issuer: Issuer, said: string[], values: Secret[]): Issuer {
  const hear = async <T>(answering: Promise<Answer<T>>): Promise<Answer<T>> => {
    const answer = await answering
    said.push(inspect(answer, { depth: 20 }), JSON.stringify(answer))
    return answer
  }
  return {
    traits: issuer.traits,
    identity: () => issuer.identity(),
    endpoints: () => issuer.endpoints(),
    idOf: (fields) => issuer.idOf(fields),
    propose(current) {
      const proposed = issuer.propose(current)
      values.push(...secretsOf(issuer, proposed))
      return proposed
    },
    preflight: (...args) => hear(issuer.preflight(...args)),
    observe: (...args) => hear(issuer.observe(...args)),
    async mint(...args) {
      const answer = await hear(issuer.mint(...args))
      if (answer.is === 'done') values.push(...secretsOf(issuer, answer.value.credential))
      return answer
    },
    ...(issuer.collect !== undefined && {
      collect: async (...args) => {
        const answer = await hear(issuer.collect?.(...args) ?? Promise.reject(new Error('collect is gone')))
        if (answer.is === 'done' && answer.value.credential !== undefined) values.push(...secretsOf(issuer, answer.value.credential))
        return answer
      },
    }),
    probe: (...args) => hear(issuer.probe(...args)),
    set: (...args) => hear(issuer.set(...args)),
    close: () => issuer.close(),
  }
}
