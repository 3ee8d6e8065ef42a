import { z } from 'zod'
import { done, type Reference, refused, Secret, type Surroundings } from '../../../src/kit/index.ts'
import { ask } from './api.ts'
import { nameSchema } from './manifest.ts'

// Lenient: what a provider adds to its answers some day is no error here.
const valueSchema = z.object({ value: z.string() })

/**
 * `${acme:NAME}`: the value of that name at Acme, as it is at this moment. Nothing is kept between two calls. A reference has no
 * configuration of its own, so where Acme is comes from the environment. The laws are at `Reference` in src/kit/reference.ts.
 */
export function openReference({ env }: Pick<Surroundings, 'env'>): Reference {
  return {
    title: (name) => name,
    resolve: async (name, call) => {
      const { ACME_URL: url, ACME_TOKEN: token } = env
      if (url === undefined || token === undefined) return refused('REFERENCE_UNRESOLVED', 'ACME_URL and ACME_TOKEN have to be set')
      if (!nameSchema.safeParse(name).success) return refused('REFERENCE_UNRESOLVED', 'this is no name of a value')
      // The token is as the environment has it: no reference to resolve.
      const host = { resolve: async (text: string) => new Secret(text) }
      const answer = await ask({ url, token }, { method: 'GET', path: `/values/${encodeURIComponent(name)}` }, valueSchema, host, call)
      if (answer.is === 'refused' && answer.code === 'PRINCIPAL_MISSING') return refused('REFERENCE_UNRESOLVED', 'there is no such value')
      if (answer.is !== 'done') return answer
      return answer.value.value === '' ? refused('REFERENCE_UNRESOLVED', 'the value is empty') : done(new Secret(answer.value.value))
    },
  }
}
