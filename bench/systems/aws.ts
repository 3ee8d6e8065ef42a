import { writeFile } from 'node:fs/promises'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { runProgram } from '../../test/systems/parts/program.ts'
import { type DatabaseSecret, readSecret, type RotationFunction, rotateSecret } from './aws-function.ts'
import type { Ground } from './ground.ts'
import type { Opened, Way, World } from './way.ts'

const FUNCTION = 'The four steps of the function that AWS publishes, against moto 5.2.5 in place of Secrets Manager, one right after the other in one process: what a Lambda takes to start four times, and the network, are not in it. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html'
const RELOAD = 'The service reads the secret when it starts and is reloaded right after finishSecret. Left alone with the caching client it would read it again within an hour (the default of its TTL): https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_cache-python.html'
const READ_AGAIN = 'The service reads the secret again when a login is refused and logs in with that, five more times at most, as AWS\' SQL drivers for Java do, with 0.2 s before each where they wait for 2.5 to 5 s; nobody reloads it. https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_jdbc.html'

/** The rotation strategies of AWS Secrets Manager for a database. */
export const awsWays: readonly Way[] = [
  {
    id: 'aws-single', title: 'AWS single user, reload', notes: [FUNCTION, RELOAD], back: 'none: overwritten', receipt: 'CloudTrail events',
    open: (ground, world) => open(ground, world, 'single', 'reload'),
  },
  {
    id: 'aws-single-driver', title: 'AWS single user, its driver', notes: [FUNCTION, READ_AGAIN], back: 'none: overwritten', receipt: 'CloudTrail events',
    open: (ground, world) => open(ground, world, 'single', 'read again'),
  },
  {
    id: 'aws-alternating', title: 'AWS alternating users, reload', back: 'AWSPREVIOUS, until the next rotation', receipt: 'CloudTrail events',
    notes: [FUNCTION, RELOAD, 'The old credential stays accepted until the next rotation gives that user another password; that is how this strategy is meant. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html'],
    open: (ground, world) => open(ground, world, 'alternating', 'reload'),
  },
]

async function open(ground: Ground, world: World, users: RotationFunction['users'], then: 'reload' | 'read again'): Promise<Opened> {
  const { url, aws } = await world.moto()
  const admin = new URL(ground.adminUrl)
  const { name } = ground.database
  const place = { engine: 'postgres', host: admin.hostname, port: Number(admin.port), dbname: name } as const
  const put = async (Name: string, secret: DatabaseSecret): Promise<void> => void (await aws.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(secret) })))
  await put(`${name}/admin`, { ...place, username: decodeURIComponent(admin.username), password: decodeURIComponent(admin.password) })
  await put(`${name}/app`, { ...place, username: ground.first.user, password: ground.first.password, masterarn: `${name}/admin` })
  const fn = { aws, secret: `${name}/app`, users }
  await writeFile(ground.envFile, `AWS_ENDPOINT_URL=${url}\nSECRET=${fn.secret}\nREAD_AGAIN=${then === 'reload' ? 'no' : 'yes'}\n`)
  return {
    client: new URL('secret-client.ts', import.meta.url),
    async login() {
      const current = await readSecret(fn, 'AWSCURRENT')
      if (current === undefined) throw new Error('the secret is not there')
      return { user: current.username, password: current.password }
    },
    async rotate() {
      const from = performance.now()
      await rotateSecret(fn)
      const finished = performance.now()
      if (then === 'read again') return { from, to: finished, mended: finished }
      const [program = '', ...args] = ground.reload
      await runProgram(program, args)
      return { from, to: performance.now() }
    },
    close: async () => undefined,
  }
}
