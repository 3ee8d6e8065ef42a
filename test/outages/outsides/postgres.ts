import { inject } from 'vitest'
import { queryAt, ready } from '../../servers/postgres.ts'
import { makeRole } from '../../servers/role.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(): Promise<Outside> {
  const admin = await ready(inject('postgresUrl'))
  const role = await makeRole(admin)
  const line = await openLine(Number(new URL(admin).port))
  const { username, password } = new URL(admin)
  return {
    issuer: { admin: '${env:ADMIN}', role: role.name }, env: { ADMIN: role.url(username, password, line.port) },
    current: role.credential, lines: [line], close: async () => void (await queryAt(admin, `DROP SCHEMA "${role.name}"`)),
  }
}

export const postgres: readonly Row[] = ['alternate', 'overlap', 'in-place'].map((strategy) => ({ connector: 'postgres', strategy, start }))
