import { setTimeout as pause } from 'node:timers/promises'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { PoolClient } from 'pg'
import { type Connect, codeOf } from '../../test/systems/rig/client.ts'
import { type DatabaseSecret, readSecret } from './aws-function.ts'
import { openPool, OPERATION } from './pool.ts'

/**
 * How often a login is tried with what the secret says by then, as AWS' own SQL drivers do (MAX_RETRY in AWSSecretsManagerDriver of
 * https://github.com/aws/aws-secretsmanager-jdbc).
 */
const LOGINS = 6

/**
 * Before each of them, ms. AWS' cache waits for 2.5 to 5 s there (FORCE_REFRESH_JITTER_SLEEP), which is longer than anybody here waits
 * for an operation.
 */
const PAUSE_MS = 200

/**
 * A service that reads its credential from AWS Secrets Manager when it starts and when it is reloaded. With READ_AGAIN it also reads
 * it again when a login is refused, once for all operations that wait, and logs in with that: the operation itself is tried once.
 */
const connect: Connect = async (env, name) => {
  const aws = new SecretsManagerClient({
    endpoint: env['AWS_ENDPOINT_URL'] ?? '', region: 'eu-central-1', maxAttempts: 1, credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
  })
  const read = async (): Promise<DatabaseSecret> => {
    const found = await readSecret({ aws, secret: env['SECRET'] ?? '' }, 'AWSCURRENT')
    if (found === undefined) throw new Error('the secret is not there')
    return found
  }
  let held = await read()
  let reading: Promise<void> | undefined
  const readAgain = (): Promise<void> => {
    reading ??= pause(PAUSE_MS).then(read).then((found) => { held = found }).finally(() => { reading = undefined })
    return reading
  }
  const pool = openPool({ host: held.host, port: held.port, database: held.dbname, user: held.username, password: () => held.password }, name)
  const login = async (left = LOGINS): Promise<PoolClient> => {
    try {
      return await pool.connect()
    } catch (thrown) {
      if (env['READ_AGAIN'] !== 'yes' || left <= 1 || codeOf(thrown) !== '28P01') throw thrown
      await readAgain()
      return login(left - 1)
    }
  }
  const work = async (): Promise<void> => {
    const client = await login()
    try {
      await client.query(OPERATION, [name])
      client.release()
    } catch (thrown) {
      client.release(true)
      throw thrown
    }
  }
  try {
    await work()
  } catch (thrown) {
    await pool.end()
    throw thrown
  }
  return {
    get value() { return held.password },
    work,
    async close() {
      await pool.end()
      aws.destroy()
    },
  }
}

export default connect
