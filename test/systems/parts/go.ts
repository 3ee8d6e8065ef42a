import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { Missing, type Part } from './part.ts'
import { programOnPath, runProgram } from './program.ts'

export interface GoProgram {
  readonly title: string
  /** The file that it becomes. */
  readonly name: string
  /** Of its main package: `github.com/docker/compose/v5/cmd`. */
  readonly package: string
  readonly version: string
}

/**
 * A program that is built from a Go module, with the Go of this machine. Takes minutes the first time; the sources and what Go
 * compiled on the way go again, since they are a hundred times what is kept.
 */
export function goProgram({ title, name, package: main, version }: GoProgram): Part {
  return {
    title,
    async bring() {
      const folder = await cached(`${name}-${version}`, async (place) => {
        const go = programOnPath('go')
        if (go === undefined) throw new Missing('it is built with Go, which is not installed')
        const work = await mkdtemp(join(tmpdir(), 'keyturn-go-'))
        try {
          // What it compiles and fetches goes with the folder, and no other Go is fetched.
          const env = {
            ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOPATH: join(work, 'path'), GOMODCACHE: join(work, 'modules'),
            GOCACHE: join(work, 'cache'), GOFLAGS: '-mod=mod -modcacherw -trimpath -buildvcs=false',
          }
          const run = async (...args: readonly string[]): Promise<void> => {
            const { code, err } = await runProgram(go, args, { cwd: work, env })
            if (code !== 0) throw new Missing(`go ${args[0]} failed: ${err.trim().split('\n').at(-1)}`)
          }
          await writeFile(join(work, 'go.mod'), 'module part\n')
          await run('get', '-tool', `${main}@${version}`)
          await run('build', '-ldflags', '-s -w', '-o', join(place, name), main)
        } finally {
          await rm(work, { recursive: true, force: true })
        }
      })
      return join(folder, name)
    },
  }
}
