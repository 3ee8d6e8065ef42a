import { randomUUID } from 'node:crypto'
import {
  DescribeSecretCommand, GetRandomPasswordCommand, GetSecretValueCommand, PutSecretValueCommand, ResourceNotFoundException, type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'

/** Of a database secret, as AWS has it: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
export interface DatabaseSecret {
  readonly engine: 'postgres'
  readonly host: string
  readonly port: number
  readonly dbname: string
  readonly username: string
  readonly password: string
  /** With alternating users: the secret of a superuser. */
  readonly masterarn?: string
}

/** What rotates one secret: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html */
export interface RotationFunction {
  readonly aws: SecretsManagerClient
  readonly secret: string
  readonly users: 'single' | 'alternating'
}

/**
 * Rotates once: the four steps of the function that AWS publishes for PostgreSQL, with its order of reads, logins and statements
 * (https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas, SecretsManagerRDSPostgreSQLRotationSingleUser and
 * ...MultiUser). In AWS each step is an invocation of a Lambda; here they follow each other in this process.
 */
export async function rotateSecret(fn: RotationFunction): Promise<void> {
  const token = randomUUID()
  await createSecret(fn, token)
  await checkStages(fn, token)
  await setSecret(fn, token)
  await checkStages(fn, token)
  await testSecret(fn, token)
  await checkStages(fn, token)
  await finishSecret(fn, token)
}

/** What the secret says at this label; undefined when there is no such version. */
export async function readSecret({ aws, secret }: Pick<RotationFunction, 'aws' | 'secret'>, label: string, token?: string): Promise<DatabaseSecret | undefined> {
  try {
    const { SecretString = '{}' } = await aws.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: label, ...(token === undefined ? {} : { VersionId: token }) }))
    return JSON.parse(SecretString) as DatabaseSecret
  } catch (thrown) {
    if (thrown instanceof ResourceNotFoundException) return undefined
    throw thrown
  }
}

/** The handler's own look before every step: the version has to be the pending one. */
async function checkStages({ aws, secret }: RotationFunction, token: string): Promise<void> {
  const { VersionIdsToStages } = await aws.send(new DescribeSecretCommand({ SecretId: secret }))
  if (VersionIdsToStages?.[token]?.includes('AWSPENDING') !== true) throw new Error('the version is not the pending one')
}

async function createSecret(fn: RotationFunction, token: string): Promise<void> {
  const current = must(await readSecret(fn, 'AWSCURRENT'), 'AWSCURRENT')
  if ((await readSecret(fn, 'AWSPENDING', token)) !== undefined) return
  const { RandomPassword } = await fn.aws.send(new GetRandomPasswordCommand({ ExcludeCharacters: ':/@"\'\\' }))
  const pending = { ...current, username: fn.users === 'single' ? current.username : otherUser(current.username), password: must(RandomPassword, 'a password') }
  await fn.aws.send(new PutSecretValueCommand({ SecretId: fn.secret, ClientRequestToken: token, SecretString: JSON.stringify(pending), VersionStages: ['AWSPENDING'] }))
}

async function setSecret(fn: RotationFunction, token: string): Promise<void> {
  const previous = fn.users === 'single' ? await readSecret(fn, 'AWSPREVIOUS') : undefined
  const current = must(await readSecret(fn, 'AWSCURRENT'), 'AWSCURRENT')
  const pending = must(await readSecret(fn, 'AWSPENDING', token), 'AWSPENDING')
  if (await logsIn(pending)) return
  if (fn.users === 'single') {
    // As the user itself: whoever knows its password may change it.
    const mine = (await logsIn(current)) ? current : previous
    return statements(must(mine, 'a login'), [`ALTER USER ${escapeIdentifier(pending.username)} WITH PASSWORD ${escapeLiteral(pending.password)}`])
  }
  if (!(await logsIn(current))) throw new Error('the current credential does not log in')
  const master = must(await readSecret({ aws: fn.aws, secret: current.masterarn ?? '' }, 'AWSCURRENT'), 'the secret of the superuser')
  const user = escapeIdentifier(pending.username)
  const found = await rows({ ...master, dbname: current.dbname }, `SELECT 1 FROM pg_roles WHERE rolname = ${escapeLiteral(pending.username)}`)
  await statements({ ...master, dbname: current.dbname }, found === 0
    ? [`CREATE ROLE ${user} WITH LOGIN PASSWORD ${escapeLiteral(pending.password)}`, `GRANT ${escapeIdentifier(current.username)} TO ${user}`]
    : [`ALTER USER ${user} WITH PASSWORD ${escapeLiteral(pending.password)}`])
}

async function testSecret(fn: RotationFunction, token: string): Promise<void> {
  await statements(must(await readSecret(fn, 'AWSPENDING', token), 'AWSPENDING'), ['SELECT NOW()'])
}

async function finishSecret({ aws, secret }: RotationFunction, token: string): Promise<void> {
  const { VersionIdsToStages = {} } = await aws.send(new DescribeSecretCommand({ SecretId: secret }))
  const [current] = Object.keys(VersionIdsToStages).filter((id) => VersionIdsToStages[id]?.includes('AWSCURRENT') === true)
  await aws.send(new UpdateSecretVersionStageCommand({ SecretId: secret, VersionStage: 'AWSCURRENT', MoveToVersionId: token, ...(current === undefined ? {} : { RemoveFromVersionId: current }) }))
}

/** `atlas` and `atlas_clone` take turns. */
function otherUser(user: string): string {
  return user.endsWith('_clone') ? user.slice(0, -'_clone'.length) : `${user}_clone`
}

async function logsIn(secret: DatabaseSecret): Promise<boolean> {
  return statements(secret, []).then(() => true, () => false)
}

async function statements(secret: DatabaseSecret, sql: readonly string[]): Promise<void> {
  await session(secret, async (client) => {
    await client.query('BEGIN')
    for (const each of sql) await client.query(each)
    await client.query('COMMIT')
  })
}

async function rows(secret: DatabaseSecret, sql: string): Promise<number> {
  return session(secret, async (client) => (await client.query(sql)).rows.length)
}

async function session<T>({ host, port, dbname, username, password }: DatabaseSecret, body: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ host, port, database: dbname, user: username, password, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await body(client)
  } finally {
    await client.end()
  }
}

function must<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`there is no ${what}`)
  return found
}
