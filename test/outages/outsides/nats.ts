import { startPretendedNats } from '../../../src/connectors/nats/provider.ts'
import { configOf, makeAccount, makeRealm } from '../../servers/nats.ts'
import { openLine } from '../line.ts'
import type { Outside, Row } from '../outside.ts'

async function start(): Promise<Outside> {
  const realm = await makeRealm()
  const server = { ...(await startPretendedNats(realm)), realm }
  const account = await makeAccount(server)
  const line = await openLine(server.port)
  return { ...configOf(server, account, line.port), current: await account.user('worker'), lines: [line], close: () => server.close() }
}

export const nats: readonly Row[] = [{ connector: 'nats', strategy: 'overlap', start }]
