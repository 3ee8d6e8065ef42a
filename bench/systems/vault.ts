import { setTimeout as pause } from 'node:timers/promises'
import { randomPassword } from '../../demo/database.ts'
import { at, textOf } from '../../test/systems/vault/ask.ts'
import type { Server } from '../../test/systems/vault/server.ts'
import type { Ground } from './ground.ts'
import { runAgentOnce, startAgent } from './vault-agent.ts'
import type { Opened, Turn, Way, World } from './way.ts'

/**
 * Seconds from one rotation of Vault's own to the next. The agent asks again when the TTL that it was told is over, so the length
 * changes nothing for the service; five is the shortest that Vault takes.
 */
const PERIOD = 15

const NOTES = [
  'Vault 1.21.0, database secrets engine, password_authentication=scram-sha-256; an agent with AppRole and a template with exec. https://developer.hashicorp.com/vault/docs/secrets/databases/postgresql, https://developer.hashicorp.com/vault/docs/agent-and-proxy/agent/template',
  'Vault\'s dynamic roles, a fresh user for every lease, are another thing and not in this table: nothing is rotated there.',
]

/** A static role of Vault's database engine, rotated when somebody asks for it, and when its time has come. */
export const vaults: readonly Way[] = [
  {
    id: 'vault-asked', title: 'Vault static role, rotate-role', back: 'none: overwritten', receipt: 'audit log of requests',
    notes: [
      ...NOTES,
      'After rotate-role an agent is run once (exit_after_auth), since one that runs on asks again only when the TTL that it was told is over: https://developer.hashicorp.com/vault/docs/agent-and-proxy/agent/template#static-roles. With that one alone the service stays refused for what is left of the rotation period (14 s of 15 s, measured).',
    ],
    open: (ground, world) => open(ground, world, 'asked'),
  },
  {
    id: 'vault-scheduled', title: 'Vault static role, on its schedule', back: 'none: overwritten', receipt: 'audit log of requests',
    notes: [...NOTES, `The rotation comes by itself, every ${PERIOD} s here; the agent that runs on asks Vault again when the TTL is over, a second of its own added. Its total counts from that rotation.`],
    open: (ground, world) => open(ground, world, 'scheduled'),
  },
]

async function open(ground: Ground, world: World, by: 'asked' | 'scheduled'): Promise<Opened> {
  const vault = await world.vault()
  const { name } = ground.database
  await setRole(vault, ground, by === 'asked' ? 86_400 : PERIOD)
  const agent = { vault, role: name, ground }
  // The first run makes the env file; a way that is asked has its agent started again then.
  const stop = by === 'asked' ? await runAgentOnce(agent).then(() => async () => undefined) : await startAgent(agent)
  const password = async (): Promise<string> => textOf(await vault.ask('GET', `database/static-creds/${name}`), 'data', 'password')
  return {
    client: new URL('client.ts', import.meta.url),
    login: () => ground.read(),
    async rotate(): Promise<Turn> {
      if (by === 'asked') {
        const from = performance.now()
        await vault.ask('POST', `database/rotate-role/${name}`)
        await runAgentOnce(agent)
        return { from, to: performance.now() }
      }
      const old = await ground.read()
      while ((await password()) === old.password) await pause(10)
      const from = performance.now()
      while ((await ground.read()).password === old.password) await pause(5)
      return { from, to: performance.now() }
    },
    async close() {
      await stop()
      await vault.ask('DELETE', `database/static-roles/${name}`)
      await vault.ask('DELETE', `database/config/${name}`)
    },
  }
}

/** From here on Vault holds the role: it gives it a first password of its own. */
async function setRole({ ask }: Server, ground: Ground, period: number): Promise<void> {
  const { name } = ground.database
  const mounted = at(await ask('GET', 'sys/mounts'), 'data', 'database/')
  if (mounted === undefined) await ask('POST', 'sys/mounts/database', { type: 'database' })
  const admin = new URL(ground.adminUrl)
  // Its own admin, as Vault's documentation wants it: a role that is for Vault alone.
  const keeper = { user: `${name}_vault`, password: randomPassword() }
  await ground.database.admin(`create role "${keeper.user}" superuser login password '${keeper.password}'`)
  await ask('POST', `database/config/${name}`, {
    plugin_name: 'postgresql-database-plugin', allowed_roles: [name], password_authentication: 'scram-sha-256',
    connection_url: `postgresql://{{username}}:{{password}}@${admin.hostname}:${admin.port}/${name}?sslmode=disable`,
    username: keeper.user, password: keeper.password,
  })
  await ask('POST', `database/static-roles/${name}`, { db_name: name, username: name, rotation_period: period })
}
