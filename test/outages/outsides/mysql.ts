import { startFakeMysql } from '../../../src/connectors/mysql/fake.ts'
import { nativeHash } from '../../../src/connectors/mysql/verifier.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/index.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(strategy: string): Promise<Outside> {
  const server = await startFakeMysql()
  const password = new Secret(generate(ALNUM, 24))
  server.run(`CREATE USER 'app'@'%' IDENTIFIED WITH 'mysql_native_password' AS '${nativeHash(password)}'`)
  server.run("GRANT SELECT ON `shop`.* TO 'app'@'%'")
  const line = await openLine(server.port)
  return {
    issuer: { admin: '${env:ADMIN}', user: 'app' }, env: { ADMIN: server.adminUrl.replace(`:${server.port}`, `:${line.port}`) },
    current: { id: 'app', fields: { user: new Secret('app'), password } }, lines: [line], close: () => server.close(),
    ...(strategy === 'overlap' ? { blind: true as const } : {}),
  }
}

export const mysql: readonly Row[] = ['alternate', 'overlap', 'in-place'].map((strategy) => ({ connector: 'mysql', strategy, start: () => start(strategy) }))
