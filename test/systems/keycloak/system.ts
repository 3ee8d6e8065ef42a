import type { System } from '../system.ts'
import { javaPart, keycloakPart } from './server.ts'

export default {
  says: 'secrets of clients, passwords of users and signing keys of a realm are rotated, and clients get their tokens all the while',
  runs: { 'keycloak.test.ts': [javaPart, keycloakPart] },
} satisfies System
