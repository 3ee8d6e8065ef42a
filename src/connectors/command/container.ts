import { basename } from 'node:path'

const PROGRAMS: ReadonlySet<string> = new Set(['docker', 'docker-compose', 'podman', 'podman-compose', 'nerdctl'])

/**
 * What a person has to know of a command that restarts containers; undefined for every other one. A restarted container keeps the
 * environment that it was created with: https://docs.docker.com/reference/cli/docker/compose/restart/
 */
export function restartNotice(argv: readonly string[]): string | undefined {
  const [program = '', ...words] = argv
  if (!PROGRAMS.has(basename(program)) || !words.includes('restart')) return undefined
  if (words.includes('--force-recreate')) return '`restart` has no `--force-recreate`: use `up -d --force-recreate --no-deps`, or the `docker` connector'
  return 'a restarted container keeps the environment that it was created with: this reaches only what reads a mounted file; `use: docker`, or `up -d --force-recreate --no-deps`, reaches both'
}
