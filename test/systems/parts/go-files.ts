import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { Missing, type Part } from './part.ts'
import { programOnPath, runProgram } from './program.ts'

export interface GoFiles {
  readonly title: string
  /** Of the folder in the cache, before the version. */
  readonly name: string
  readonly module: string
  readonly version: string
  /** The folder of the module that is kept. */
  readonly folder: string
}

/** Files that stand in a Go module beside its code, such as the schemas of a controller's objects; `bring` answers their folder. */
export function goFiles({ title, name, module, version, folder }: GoFiles): Part {
  return {
    title,
    bring: () => cached(`${name}-${version}`, async (place) => {
      const go = programOnPath('go')
      if (go === undefined) throw new Missing('it comes from a Go module, and Go is not installed')
      const work = await mkdtemp(join(tmpdir(), 'keyturn-go-'))
      try {
        const env = { ...process.env, GOTOOLCHAIN: 'local', GOPATH: join(work, 'path'), GOMODCACHE: join(work, 'modules'), GOFLAGS: '-modcacherw' }
        const { code, out, err } = await runProgram(go, ['mod', 'download', '-json', `${module}@${version}`], { cwd: work, env })
        if (code !== 0) throw new Missing(`go mod download failed: ${err.trim().split('\n').at(-1)}`)
        const { Dir } = JSON.parse(out) as { readonly Dir: string }
        await cp(join(Dir, folder), place, { recursive: true })
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    }),
  }
}
