import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Certified, certify } from '../../../test/fixture/certificates.ts'
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { callWithin } from '../../testing/call.ts'
import { valueOf } from '../../testing/consumer.ts'
import { until } from '../../testing/until.ts'
import { openCheck } from './index.ts'
import { checkSchema } from './manifest.ts'

/** Puts a file into the folder of the data, as the user of the server, whoever that is. */
async function put(server: PostgresServer, name: string, text: string): Promise<void> {
  await server.query(`COPY (SELECT unnest(string_to_array('${text}', E'\\n'))) TO PROGRAM 'umask 077; cat > ${name}'`)
}

async function install(server: PostgresServer, { cert, key }: Certified): Promise<void> {
  await put(server, 'server.crt', cert)
  await put(server, 'server.key', key)
}

it('sees of a real PostgreSQL that it has no TLS, then which certificate it presents, and when it has taken a new one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-tls-pg-'))
  const server = await startPostgres()
  onTestFinished(async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const authority = certify({ commonName: 'Test Authority' })
  const [first, second] = [1, 2].map((number) => certify({ commonName: `server ${number}`, names: ['db.test'], by: authority }))
  if (first === undefined || second === undefined) throw new Error('two certificates')
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  const config = { host: '127.0.0.1', port: server.port, name: 'db.test', startTls: 'postgres', ca: 'ca.pem', expect: { certificate: 'server.pem' } }
  const check = openCheck(checkSchema.parse(config), { base: folder, now: () => Date.now() })
  const look = async (): Promise<string> => {
    const { verdict, evidence } = valueOf(await check.run(callWithin(10_000)))
    return `${verdict} ${String(evidence['unmet'] ?? '')}`.trim()
  }

  writeFileSync(join(folder, 'server.pem'), first.cert)
  expect(await look()).toBe('fail handshake')
  await install(server, first)
  await server.query('ALTER SYSTEM SET ssl = on')
  await server.query('SELECT pg_reload_conf()')
  await until(async () => (await look()) === 'pass')
  // Published, and installed, but the server has not read it again.
  writeFileSync(join(folder, 'server.pem'), second.cert)
  await install(server, second)
  expect(await look()).toBe('fail certificate')
  await server.query('SELECT pg_reload_conf()')
  await until(async () => (await look()) === 'pass')
})
