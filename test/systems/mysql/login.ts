import { createConnection } from 'mysql2/promise'
import { openIssuer } from '../../../src/connectors/mysql/index.ts'
import { issuerSchema } from '../../../src/connectors/mysql/manifest.ts'
import type { Credential, Issuer } from '../../../src/kit/index.ts'
import { Secret } from '../../../src/kit/secret.ts'

/** A session as a consumer holds it. */
export interface Held {
  alive(): Promise<boolean>
  close(): Promise<void>
}

/** A login that stays open. Throws what the driver throws. */
export async function hold(port: number, { fields }: Credential): Promise<Held> {
  const connection = await createConnection({ host: '127.0.0.1', port, user: fields['user']?.reveal() ?? '', password: fields['password']?.reveal() ?? '' })
  // The server may cut it at any time; `alive` tells.
  connection.on('error', () => undefined)
  return {
    alive: () => connection.query('SELECT 1').then(() => true, () => false),
    close: async () => connection.destroy(),
  }
}

/** The connector, with an admin behind this URL. */
export function issuerAt(adminUrl: string, config: object): Issuer {
  return openIssuer(issuerSchema.parse({ admin: '${env:MYSQL_ADMIN_URL}', ...config }), {
    base: '/', now: () => Date.now(), resolve: async () => new Secret(adminUrl), conceal: () => undefined,
  })
}
