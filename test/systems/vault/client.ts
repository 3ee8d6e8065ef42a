import type { Connect } from '../rig/client.ts'

/**
 * A service that logs in with its secret id for every piece of work, as short-lived jobs do, and reads a secret with the token that it
 * gets. Over plain HTTP: that is Vault's API.
 */
const connect: Connect = async (env) => {
  const value = env['SECRET_ID'] ?? ''
  const url = env['VAULT_ADDR'] ?? ''
  const asked = async (path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}/v1/${path}`, init)
    if (!response.ok) throw Object.assign(new Error('refused'), { code: response.status })
    return response.json()
  }
  const work = async (): Promise<void> => {
    const login = (await asked('auth/approle/login', { method: 'POST', body: JSON.stringify({ role_id: env['ROLE_ID'], secret_id: value }) })) as { readonly auth: { readonly client_token: string } }
    await asked('auth/token/lookup-self', { headers: { 'x-vault-token': login.auth.client_token } })
  }
  await work()
  return { value, work, close: async () => undefined }
}

export default connect
