import { done, type Reference, refused, Secret, type Surroundings } from '../../kit/index.ts'

/** `${env:NAME}`: what the variable holds now, to the last character. One that is not set and one that is empty are refused. */
export function openReference({ env }: Pick<Surroundings, 'env'>): Reference {
  return {
    title: (name) => name,
    async resolve(name) {
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      if (value === undefined) return refused('REFERENCE_UNRESOLVED', 'the environment variable is not set')
      return value === '' ? refused('REFERENCE_UNRESOLVED', 'the environment variable is empty') : done(new Secret(value))
    },
  }
}
