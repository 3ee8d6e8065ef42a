import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { ready } from '../../servers/postgres.ts'
import { atlasSuite } from './suite.ts'

// All of it that npm can bring; with Redis and PgBouncer: test/systems/atlas.
atlasSuite('examples/atlas without Redis and its pooler', async () => {
  await ready(inject('postgresUrl'))
  return { postgresUrl: inject('postgresUrl'), role: `atlas${randomBytes(4).toString('hex')}` }
}, ['database', 'ai-key', 'openrouter-key', 'session-secret', 'web-client', 'graphsync-key'])
