import { z } from 'zod'
import { type Answer, done } from '../../kit/answer.ts'
import { ask, type Door, read, type Time } from './api.ts'

/** A KV engine. */
export interface Engine {
  /** Without a slash at its end. */
  readonly mount: string
  readonly version: 1 | 2
}

const mountSchema = z.object({
  data: z.object({ path: z.string(), type: z.string(), options: z.object({ version: z.string().optional() }).nullish() }),
})

/**
 * The KV engine that a path lies in, asked as Vault's own command line does: whoever may do anything below a mount may ask for it.
 * Undefined when Vault does not tell, or it is an engine of another kind.
 * https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts
 */
export async function engineOf(door: Door, path: string, call: Time): Promise<Answer<Engine | undefined>> {
  const answer = await ask(door, { method: 'GET', path: `sys/internal/ui/mounts/${path}` }, call)
  if (answer.is === 'refused' && answer.code === 'RIGHTS_MISSING') return done(undefined)
  if (answer.is !== 'done') return answer
  const mount = read(answer.value, mountSchema, door)
  if (mount.is !== 'done') return mount
  const { path: at, type, options } = mount.value.data
  if (type !== 'kv' && type !== 'generic') return done(undefined)
  return done({ mount: at.replace(/\/+$/, ''), version: options?.version === '2' ? 2 : 1 })
}
