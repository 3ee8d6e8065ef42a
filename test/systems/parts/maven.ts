import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { debianProgram } from './debian.ts'
import { Missing, type Part } from './part.ts'
import { runProgram } from './program.ts'

export interface MavenZip {
  readonly title: string
  readonly group: string
  readonly artifact: string
  readonly version: string
  /** Run once over the unpacked folder before it is kept: what would be done at every start. Throws {@link Missing}. */
  readonly prepare?: (folder: string) => Promise<void>
}

/** What fetches it: a plugin of Maven itself, in one version. */
const DEPENDENCY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

/** What Maven has as a zip with one folder in it, unpacked: that folder. The archive, and what Maven fetched on the way, go again. */
export function mavenZip({ title, group, artifact, version, prepare }: MavenZip): Part {
  return {
    title,
    async bring() {
      const folder = await cached(`${artifact}-${version}`, async (place) => {
        const [mvn, unzip] = [await debianProgram('mvn', 'maven').bring(), await debianProgram('unzip').bring()]
        const work = await mkdtemp(join(tmpdir(), 'keyturn-maven-'))
        const run = async (command: string, args: readonly string[], cwd: string): Promise<void> => {
          const { code, out, err } = await runProgram(command, args, { cwd })
          if (code !== 0) throw new Missing(`${args.at(-1)} failed: ${`${out}${err}`.trim().split('\n').find((line) => /error/i.test(line)) ?? code}`)
        }
        try {
          await run(mvn, ['-B', '-q', `-Dmaven.repo.local=${join(work, 'repository')}`, `-DoutputDirectory=${work}`, `-Dartifact=${group}:${artifact}:${version}:zip`, `${DEPENDENCY}:copy`], work)
          await run(unzip, ['-q', join(work, `${artifact}-${version}.zip`), '-d', place], work)
          const [only] = await readdir(place)
          if (only === undefined) throw new Missing('the archive is empty')
          await prepare?.(join(place, only))
        } finally {
          await rm(work, { recursive: true, force: true })
        }
      })
      const [only = ''] = await readdir(folder)
      return join(folder, only)
    },
  }
}
