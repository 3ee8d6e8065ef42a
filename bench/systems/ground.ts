import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { createDatabase, type Database, randomPassword } from '../../demo/database.ts'

export interface Login {
  readonly user: string
  readonly password: string
}

/** What one round stands on: a role that owns a database, and a folder with the env file of a service. */
export interface Ground {
  /** Of a superuser. */
  readonly adminUrl: string
  readonly database: Database
  /** What the role logs in with at first; it has the database's name. */
  readonly first: Login
  readonly folder: string
  /** Where the instances leave their pids. */
  readonly run: string
  readonly envFile: string
  /** A command that asks every instance that runs for a graceful reload. All ways but keyturn use it; keyturn sends the same signal. */
  readonly reload: readonly string[]
  /** For an env file: also with characters that mean something in a URL. */
  dsn(login: Login): string
  /** Takes `.env`, puts this DSN into it and leaves its other lines as they are. */
  write(login: Login): Promise<void>
  /** What the env file says now. */
  read(): Promise<Login>
  drop(): Promise<void>
}

/** `KEY=value` lines that have to survive. */
const OTHERS = 'LOG_LEVEL=info\nFEATURE_MAPS=on\n'

/** Lays new ground on the server of this admin. `name` is that of the role and the database, and new to the server. */
export async function layGround(adminUrl: string, name: string): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-ways-'))
  const [run, envFile, script] = [join(folder, 'run'), join(folder, '.env'), join(folder, 'reload.sh')]
  const first = { user: name, password: randomPassword() }
  await mkdir(run, { mode: 0o700 })
  await writeFile(envFile, OTHERS, { mode: 0o600 })
  await writeFile(script, `for pid in '${run}'/*.pid; do [ -f "$pid" ] && kill -HUP "$(cat "$pid")"; done\nexit 0\n`, { mode: 0o700 })
  const database = await createDatabase(adminUrl, name, first.password)
  const dsn = ({ user, password }: Login): string => {
    const { hostname, port } = new URL(adminUrl)
    return `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${hostname}:${port}/${name}`
  }
  return {
    adminUrl, database, first, folder, run, envFile, dsn, reload: ['sh', script],
    async write(login) {
      const others = (await readFile(envFile, 'utf8')).split('\n').filter((line) => !line.startsWith('DATABASE_URL='))
      await writeFile(envFile, `DATABASE_URL=${dsn(login)}\n${others.join('\n')}`)
    },
    async read() {
      const { username, password } = new URL(parseEnv(await readFile(envFile, 'utf8'))['DATABASE_URL'] ?? '')
      return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
    },
    async drop() {
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
