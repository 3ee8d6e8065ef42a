import { basename, dirname } from 'node:path/posix'
import { type Project, projectsOf } from './compose.ts'
import type { Findings, Service, Sighting } from './findings.ts'
import type { Seen } from './seen.ts'

/** Services of one compose project that have to be made anew before they hold another value. */
export interface Recreation {
  readonly project: Project
  readonly services: readonly string[]
}

/** Who takes keys, as far as compose files say it. */
export interface Users {
  readonly recreations: readonly Recreation[]
  /** Servers that accept the login themselves and take the key only when they are first started. */
  readonly servers: readonly { readonly service: string; readonly server: string; readonly seen: Seen }[]
  /** Services in compose files that are combined by hand. */
  readonly unsure: readonly { readonly service: string; readonly seen: Seen }[]
}

/** Who takes these keys of these env files. Pure. */
export function usersOf(held: readonly Sighting[], findings: Findings): Users {
  const projects = projectsOf(findings.composeFiles)
  const all = findings.services.filter((service) => held.some((sighting) => takes(service, sighting)))
  const users = all.map((service) => ({
    service,
    server: findings.services.find((each) => each.server !== undefined && isSame(each, service))?.server,
    project: projects.find(({ files }) => files.includes(service.seen.file)),
  }))
  const unsure = users.filter(({ project, server }) => project === undefined && server === undefined)
  return {
    recreations: projects.flatMap((project) => {
      const inside = users.filter((user) => user.project === project && user.server === undefined)
      return inside.length === 0 ? [] : [{ project, services: [...new Set(inside.map(({ service }) => service.name))] }]
    }),
    servers: onceByName(users.flatMap(({ service, server }) => (server === undefined ? [] : [{ service: service.name, server, seen: service.seen }]))),
    unsure: onceByName(unsure.map(({ service }) => ({ service: service.name, seen: service.seen }))),
  }
}

/** Whether two files of one folder speak of one service: a base and its override. */
function isSame(one: Service, other: Service): boolean {
  return one.name === other.name && dirname(one.seen.file) === dirname(other.seen.file)
}

/** By `env_file` it gets every key; by a variable in its part of the compose file only that one, from the `.env` beside the file. */
function takes(service: Service, { key, seen, holder }: Sighting): boolean {
  if (holder.is !== 'env-file') return false
  if (service.envFiles.includes(seen.file)) return true
  return basename(seen.file) === '.env' && dirname(seen.file) === dirname(service.seen.file) && service.variables.includes(key)
}

function onceByName<T extends { readonly service: string }>(list: readonly T[]): readonly T[] {
  return list.filter(({ service }, index) => list.findIndex((each) => each.service === service) === index)
}

/**
 * The command that makes services anew. `restart` would not do: it keeps the environment that the container was made with
 * (https://docs.docker.com/reference/cli/docker/compose/restart/).
 */
export function recreateCommand({ project }: Recreation): readonly string[] {
  const files = project.named ? project.files.flatMap((file) => ['-f', basename(file)]) : []
  return ['docker', 'compose', ...files, 'up', '-d', '--force-recreate', '--no-deps', '{services}']
}
