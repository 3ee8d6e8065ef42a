import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from '../parts/cache.ts'
import { debianProgram } from '../parts/debian.ts'
import { Missing, type Part } from '../parts/part.ts'
import { runProgram } from '../parts/program.ts'

export interface MavenJars {
  readonly title: string
  readonly group: string
  readonly artifact: string
  readonly version: string
}

/** An artifact of Maven with all that it runs with, as a folder of jars: what stands before `/*` on a class path. */
export function mavenJars({ title, group, artifact, version }: MavenJars): Part {
  return {
    title,
    bring: () => cached(`${artifact}-jars-${version}`, async (place) => {
      const mvn = await debianProgram('mvn', 'maven').bring()
      const work = await mkdtemp(join(tmpdir(), 'keyturn-maven-'))
      try {
        await writeFile(join(work, 'pom.xml'), [
          '<project><modelVersion>4.0.0</modelVersion><groupId>part</groupId><artifactId>part</artifactId><version>1</version><dependencies><dependency>',
          `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>`,
          '</dependency></dependencies></project>',
        ].join('\n'))
        // What Maven fetched on the way goes again.
        const { code, out, err } = await runProgram(mvn, [
          '-B', '-q', `-Dmaven.repo.local=${join(work, 'repository')}`, `-DoutputDirectory=${place}`, '-DincludeScope=runtime',
          'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
        ], { cwd: work })
        if (code !== 0) throw new Missing(`mvn failed: ${`${out}${err}`.trim().split('\n').find((line) => /error/i.test(line)) ?? code}`)
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    }),
  }
}
