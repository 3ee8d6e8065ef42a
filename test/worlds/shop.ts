import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { SecretBlock, World } from './world.ts'

/** Services of a world that are restarted for a new value: each has two instances with the whole env file in their environment. */
export interface Shop {
  /** How often each instance of a service was started, by its name. */
  starts(service: string): Record<string, number>
  /** The instances of a service as a consumer of a manifest. */
  consumer(service: string): Record<string, unknown>
  /** Changes secrets of the manifest. */
  manifest(change: (secrets: Record<string, SecretBlock>) => void): void
  /** Ends all instances. */
  close(): void
}

/** Opens services beside a world; what they hold is what the env file held when they were started. */
export function openShop(world: World, services: readonly string[]): Shop {
  const folder = join(world.run, 'shop')
  mkdirSync(folder, { mode: 0o700 })
  const names = (service: string): string[] => [`${service}-1`, `${service}-2`]
  const pidFile = (name: string): string => join(folder, `${name}.pid`)
  const restart = join(folder, 'restart.sh')
  // The old one ends before the new one is there, as with `docker restart`.
  writeFileSync(restart, `#!/bin/sh
cd '${folder}'
set -a; . '${world.stage.envFile}'; set +a
if [ -e $1.pid ]; then kill -9 $(cat $1.pid) 2>/dev/null; fi
echo start >>$1.starts
sleep 100000 </dev/null >/dev/null 2>&1 3>&- &
echo $! >$1.new && mv $1.new $1.pid
`, { mode: 0o700 })
  for (const name of services.flatMap(names)) spawnSync(restart, [name], { env: { PATH: process.env['PATH'] } })
  return {
    starts: (service) => Object.fromEntries(names(service).map((name) => [name, readFileSync(join(folder, `${name}.starts`), 'utf8').trim().split('\n').length - 1])),
    consumer: (service) => ({ use: 'process', name: service, instances: names(service).map((name) => ({ name, pidFile: pidFile(name) })), reload: { restart: [restart, '{name}'] } }),
    manifest: (change) => {
      const manifest = parse(readFileSync(world.stage.manifest, 'utf8')) as { secrets: Record<string, SecretBlock> }
      change(manifest.secrets)
      writeFileSync(world.stage.manifest, stringify(manifest))
    },
    close: () => {
      for (const name of services.flatMap(names)) process.kill(Number(readFileSync(pidFile(name), 'utf8')), 'SIGKILL')
    },
  }
}

/** The secret of this name. */
export function secretOf(secrets: Record<string, SecretBlock>, name: string): SecretBlock {
  const secret = secrets[name]
  if (secret === undefined) throw new Error(`there is no secret ${name}`)
  return secret
}

/** Three secrets of a world: \`database\` and \`cache\` are used by the gateway, \`queue\` by the worker; \`other\` is nobody's yet. */
export async function openThree(world: World): Promise<Shop> {
  for (const name of ['cache', 'queue']) await world.addSecret(name)
  const shop = openShop(world, ['gateway', 'worker', 'other'])
  shop.manifest((secrets) => {
    for (const [name, service] of Object.entries({ database: 'gateway', cache: 'gateway', queue: 'worker' })) secretOf(secrets, name).consumers = [shop.consumer(service)]
  })
  return shop
}
