import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { ready } from '../../servers/postgres.ts'
import { the0Suite } from './suite.ts'

// All of it that npm can bring; with MinIO, NATS and Redis: test/systems/the0.
the0Suite('examples/the0 without MinIO, NATS and Redis', async () => {
  await ready(inject('postgresUrl'))
  return { postgresUrl: inject('postgresUrl'), role: `the0${randomBytes(4).toString('hex')}`, others: {} }
}, [])
