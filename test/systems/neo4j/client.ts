import neo4j from 'neo4j-driver'
import type { Connect } from '../rig/client.ts'

/** A driver with its pool, as services hold one. */
const connect: Connect = async (env) => {
  const password = env['NEO4J_PASSWORD'] ?? ''
  const driver = neo4j.driver(env['NEO4J_URI'] ?? '', neo4j.auth.basic(env['NEO4J_USER'] ?? '', password), { maxConnectionPoolSize: 10, maxTransactionRetryTime: 0, disableAutoCommitRetries: true })
  await driver.verifyConnectivity()
  return {
    value: password,
    async work() {
      const session = driver.session()
      try {
        await session.run('MATCH (n:Work) RETURN count(n)')
      } finally {
        await session.close()
      }
    },
    close: () => driver.close(),
  }
}

export default connect
