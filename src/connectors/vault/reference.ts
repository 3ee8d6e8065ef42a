import { type Answer, done, type Reference, refused, Secret, type Surroundings } from '../../kit/index.ts'
import { urlSchema } from '../../outside/http/index.ts'
import type { Access } from './access-schema.ts'
import { asAdmin } from './door.ts'
import { readSecret } from './kv.ts'
import { nameSchema } from './manifest.ts'
import { engineOf } from './mount.ts'
import { locateSecret } from './path.ts'
import { tokenFile } from './token-file.ts'

/**
 * `${vault:secret/atlas#password}`: what the key holds now, of the newest version. Vault is found and entered as its own command
 * line does: VAULT_ADDR, VAULT_NAMESPACE, VAULT_TOKEN, `~/.vault-token`; and with VAULT_ROLE_ID and VAULT_SECRET_ID by an AppRole,
 * mounted at VAULT_APPROLE_MOUNT or `approle`.
 */
export function openReference({ env, notice }: Pick<Surroundings, 'env' | 'notice'>): Reference {
  return {
    title: (name) => name,
    async resolve(name, call) {
      if (!nameSchema.safeParse(name).success) return refused('REFERENCE_UNRESOLVED', 'a path and a key: `secret/atlas#password`')
      const [path = '', key = ''] = name.split('#')
      const access = await accessFrom(env, notice)
      if (access.is !== 'done') return access
      // These texts are values already: nothing in them is resolved.
      const host = { resolve: async (text: string) => new Secret(text), conceal: () => undefined }
      return asAdmin(access.value, host, call, async (door) => {
        const engine = await engineOf(door, path, call)
        if (engine.is !== 'done') return engine
        const place = locateSecret({ path, mount: engine.value?.mount, version: engine.value?.version ?? 2 })
        if (place === undefined) return refused('REFERENCE_UNRESOLVED', 'a KV engine has no secret of this path')
        const seen = await readSecret(door, place, call)
        if (seen.is !== 'done') return seen.is === 'refused' && seen.code === 'STORE_MISSING' ? refused('REFERENCE_UNRESOLVED', 'there is no such secret') : seen
        if (!seen.value.values.has(key)) return refused('REFERENCE_UNRESOLVED', 'the secret has no such key')
        const value = seen.value.values.get(key)
        if (value === undefined) return refused('REFERENCE_UNRESOLVED', 'the key holds what is no text')
        return value === '' ? refused('REFERENCE_UNRESOLVED', 'the key is empty') : done(new Secret(value))
      })
    },
  }
}

async function accessFrom(env: Surroundings['env'], notice: Surroundings['notice']): Promise<Answer<Access>> {
  const of = (name: string): string | undefined => (Object.hasOwn(env, name) && env[name] !== '' ? env[name] : undefined)
  const address = of('VAULT_ADDR')
  if (address === undefined || !urlSchema.safeParse(address).success) return refused('REFERENCE_UNRESOLVED', 'VAULT_ADDR is not set to the address of Vault')
  const where = { address, namespace: of('VAULT_NAMESPACE') }
  const [token, roleId, secretId] = [of('VAULT_TOKEN'), of('VAULT_ROLE_ID'), of('VAULT_SECRET_ID')]
  if (token !== undefined) return done({ ...where, token })
  if (roleId !== undefined && secretId !== undefined) return done({ ...where, login: { role_id: roleId, secret_id: secretId, mount: of('VAULT_APPROLE_MOUNT') ?? 'approle' } })
  const kept = await tokenFile(of('HOME'), notice)
  return kept === undefined ? refused('REFERENCE_UNRESOLVED', 'neither VAULT_TOKEN nor VAULT_ROLE_ID and VAULT_SECRET_ID are set, and there is no ~/.vault-token') : done({ ...where, token: kept.reveal() })
}
