import { goProgram } from '../parts/go.ts'
import type { System } from '../system.ts'

const natsServer = (version: string) => goProgram({ title: `nats-server ${version}`, name: 'nats-server', package: 'github.com/nats-io/nats-server/v2', version: `v${version}` })

/** The newest that was looked at, and the one of Debian 12. */
export const natsServers = [natsServer('2.15.2'), natsServer('2.9.10')] as const

export default {
  says: 'users of real NATS servers are made, moved and revoked, and services lose no message by it',
  runs: {
    'check.test.ts': natsServers,
    'cluster.test.ts': [natsServers[0]],
    'config-cluster.test.ts': [natsServers[0]],
    'config-facts.test.ts': natsServers,
    'config-issuer.test.ts': natsServers,
    'config-load.test.ts': [natsServers[0]],
    'facts.test.ts': natsServers,
    'issuer.test.ts': natsServers,
    'load.test.ts': [natsServers[0]],
    'tls.test.ts': [natsServers[0]],
  },
} satisfies System
