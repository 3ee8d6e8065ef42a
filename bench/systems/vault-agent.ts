import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../../demo/until.ts'
import { runProgram } from '../../test/systems/parts/program.ts'
import { textOf } from '../../test/systems/vault/ask.ts'
import type { Server } from '../../test/systems/vault/server.ts'
import { vaultProgram } from '../../test/systems/vault/system.ts'
import type { Ground } from './ground.ts'

/** An agent that writes the env file of the ground from a static role, and has the service reloaded when it has changed. */
export interface Agent {
  readonly vault: Server
  /** Of the database engine. */
  readonly role: string
  readonly ground: Ground
}

/** Runs it until it has written the file and its command has ended. */
export async function runAgentOnce(agent: Agent): Promise<void> {
  const config = await configure(agent)
  const { code, err, out } = await runProgram(await vaultProgram.bring(), ['agent', `-config=${config}`, '-exit-after-auth'], { env: environment(agent) })
  if (code !== 0) throw new Error(`the agent ended with ${code}: ${`${out}${err}`.slice(-1_000)}`)
}

/** Starts one that runs on, and answers when it has written the file for the first time: how to stop it. */
export async function startAgent(agent: Agent): Promise<() => Promise<void>> {
  const config = await configure(agent)
  const child = spawn(await vaultProgram.bring(), ['agent', `-config=${config}`], { stdio: 'ignore', env: environment(agent) })
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await exited
  }
  try {
    await until('the agent has written the env file', 30_000, async () => {
      if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}`)
      return (await readFile(agent.ground.envFile, 'utf8')).includes('DATABASE_URL=') ? true : undefined
    })
    return stop
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

function environment({ ground }: Agent): Readonly<Record<string, string | undefined>> {
  return { PATH: process.env['PATH'], HOME: ground.folder, GOMAXPROCS: '2' }
}

/**
 * Writes its configuration, with an AppRole of its own that may read this one role: the method that HashiCorp names for machines
 * (https://developer.hashicorp.com/vault/docs/agent-and-proxy/autoauth/methods/approle). Answers the path.
 */
async function configure({ vault: { ask, url }, role, ground }: Agent): Promise<string> {
  const folder = join(ground.folder, 'agent')
  const [config, roleId, secretId] = [join(folder, 'agent.hcl'), join(folder, 'role-id'), join(folder, 'secret-id')]
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await ask('PUT', `sys/policies/acl/${role}`, { policy: `path "database/static-creds/${role}" { capabilities = ["read"] }` })
  await ask('POST', `auth/approle/role/${role}`, { token_policies: [role], token_ttl: 3_600 })
  await writeFile(roleId, textOf(await ask('GET', `auth/approle/role/${role}/role-id`), 'data', 'role_id'), { mode: 0o600 })
  await writeFile(secretId, textOf(await ask('POST', `auth/approle/role/${role}/secret-id`), 'data', 'secret_id'), { mode: 0o600 })
  const { hostname, port } = new URL(ground.adminUrl)
  const lines = [
    `{{ with secret "database/static-creds/${role}" }}DATABASE_URL=postgres://{{ .Data.username }}:{{ .Data.password }}@${hostname}:${port}/${role}{{ end }}`,
    'LOG_LEVEL=info', 'FEATURE_MAPS=on', '',
  ]
  const text = (value: string): string => JSON.stringify(value)
  await writeFile(config, `vault { address = ${text(url)} }
auto_auth {
  method "approle" {
    config = {
      role_id_file_path = ${text(roleId)}
      secret_id_file_path = ${text(secretId)}
      remove_secret_id_file_after_reading = false
    }
  }
}
template_config { exit_on_retry_failure = true }
template {
  contents = ${text(lines.join('\n'))}
  destination = ${text(ground.envFile)}
  perms = "0600"
  exec { command = [${ground.reload.map(text).join(', ')}] }
}
`)
  return config
}
