import { stringify } from 'yaml'
import type { ServiceInstance } from './instance.ts'

/** How long the demo's rotation waits at each place; texts as in a manifest, `2s`. */
export interface Pace {
  readonly grace: string
  readonly quiet: string
  readonly undo: string
}

/** Short enough to watch. A real one waits for hours or days. */
export const showPace: Pace = { grace: '2s', quiet: '2s', undo: '2s' }

/**
 * The manifest of the stage: one secret, `database`, of one service with several instances. It holds no value: the admin login
 * comes from the environment, the password from the env file.
 */
export function manifestFor(role: string, instances: readonly ServiceInstance[], pace: Pace): string {
  return stringify({
    version: 1,
    system: 'atlas',
    environment: 'production',
    secrets: {
      database: {
        owner: 'platform',
        impact: 'none',
        issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role, database: role, strategy: 'alternate' },
        ...pace,
        stores: [{ use: 'dotenv', file: '.env', bind: { APP_DATABASE_URL: { url: { user: 'user', password: 'password' } } } }],
        ...(instances.length === 0 ? {} : usersOf(instances)),
      },
    },
  })
}

function usersOf(instances: readonly ServiceInstance[]): object {
  return {
    consumers: [{
      wave: [{
        use: 'process',
        name: 'atlas',
        instances: instances.map(({ name, pidFile, url }) => ({ name, pidFile, ready: `${url}/readyz` })),
        reload: { signal: 'SIGHUP' },
        attest: {
          use: 'http',
          challenges: Object.fromEntries(instances.map(({ name, url }) => [name, `${url}/keyturn/attest`])),
        },
      }],
    }],
    checks: instances.map(({ url }) => ({ use: 'http', url: `${url}/readyz`, expect: { json: { postgres: 'ok' } } })),
  }
}
