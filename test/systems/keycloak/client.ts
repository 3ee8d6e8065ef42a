import type { Connect } from '../rig/client.ts'

/** A service that asks for tokens as itself, as it would for each of its jobs: none is kept. */
const connect: Connect = async (env, name) => {
  const secret = env['OIDC_CLIENT_SECRET'] ?? ''
  const form = (): URLSearchParams => new URLSearchParams({ grant_type: 'client_credentials', client_id: env['OIDC_CLIENT_ID'] ?? '', client_secret: secret })
  const work = async (): Promise<void> => {
    const answer = await fetch(`${env['OIDC_ISSUER_URL']}/protocol/openid-connect/token`, { method: 'POST', body: form() })
    const { access_token: token, error } = (await answer.json()) as { readonly access_token?: string; readonly error?: string }
    if (token === undefined) throw Object.assign(new Error(`${name} got no token`), { code: error })
  }
  await work()
  return { value: secret, work, close: async () => undefined }
}

export default connect
