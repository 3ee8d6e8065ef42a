import { startFakeKeycloak } from '../../../src/connectors/keycloak/fake.ts'
import { Secret } from '../../../src/kit/index.ts'
import { reach } from '../../systems/keycloak/outside.ts'
import { clientsOf, keysOfRealm, users } from '../../systems/keycloak/world.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

/** What is rotated, in a realm of its own each time. */
const KINDS = [
  ['in-place', 'client', () => clientsOf(false)],
  ['overlap', 'client', () => clientsOf(true)],
  ['in-place', 'user', () => users()],
  ['overlap', 'keys', () => keysOfRealm(false)],
] as const

async function start(strategy: string, make: ReturnType<(typeof KINDS)[number][2]>): Promise<Outside> {
  const server = reach(await startFakeKeycloak())
  const { realm: { name, rotator }, config, current: [id, secret] } = await make(server)
  const line = await openLine(Number(new URL(server.url).port))
  return {
    issuer: { ...config, url: `http://127.0.0.1:${line.port}`, realm: name, admin: { realm: name, client: rotator.client, secret: '${env:ADMIN}' } },
    env: { ADMIN: rotator.secret }, current: { id, fields: { id: new Secret(id), secret: new Secret(secret) } }, lines: [line], close: () => server.close(),
    ...(strategy === 'overlap' ? { blind: true as const } : {}),
  }
}

export const keycloak: readonly Row[] = KINDS.map(([strategy, kind, make]) => ({ connector: 'keycloak', strategy, kind, start: () => start(strategy, make()) }))
