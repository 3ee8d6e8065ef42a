import { z } from 'zod'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { ask, type Door, placeOf, read, type Time } from './api.ts'

/** On a path, one of each list of capabilities: `[['create', 'update'], ['read']]`. */
export type Needs = Readonly<Record<string, readonly (readonly string[])[]>>

const capabilitiesSchema = z.object({ data: z.record(z.string(), z.unknown()) })

/**
 * Whether the token of this door may do all that is needed. The first right that it lacks is named. Done with a notice where it may
 * not ask what it may, as a token without the policy `default` cannot: then the first use tells. Changes nothing.
 * https://developer.hashicorp.com/vault/api-docs/system/capabilities-self
 */
export async function checkRights(door: Door, needs: Needs, call: Time): Promise<Answer<readonly string[]>> {
  const answer = await ask(door, { method: 'POST', path: 'sys/capabilities-self', body: { paths: Object.keys(needs).flatMap((path) => [path, `${path}/`]) } }, call)
  if (answer.is === 'refused' && answer.code === 'RIGHTS_MISSING') {
    return done(['the token may not ask for its own capabilities (the policy `default` allows it): a missing right shows only when it is used'])
  }
  if (answer.is !== 'done') return answer
  const seen = read(answer.value, capabilitiesSchema, door)
  if (seen.is !== 'done') return seen
  const capabilities = (path: string): readonly string[] => z.array(z.string()).catch([]).parse(seen.value.data[path])
  for (const [path, all] of Object.entries(needs)) {
    const own = capabilities(path)
    // A policy for LIST may name the path with a slash at its end, as Vault asks for it, or without.
    const listing = all.some((any) => any.includes('list')) ? [...own, ...capabilities(`${path}/`)] : own
    const lacking = all.find((any) => {
      const has = any.includes('list') || any.includes('sudo') ? listing : own
      return !any.some((one) => has.includes(one)) && !has.includes('root')
    })
    if (lacking !== undefined) return refused('RIGHTS_MISSING', `${lacking.join(' or ')} on ${path} at ${placeOf(door)}`)
  }
  return done([])
}
