import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
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

/** Programs of one Go module, built together: what they share is fetched and compiled once. */
export interface GoPrograms {
  readonly title: string
  /** Of the folder that holds them, before the version; each file has the last word of its package for a name. */
  readonly name: string
  /** Their main packages. */
  readonly packages: readonly string[]
  readonly version: string
  /** `replace` lines of the module that builds them: those of a module itself count only at home. */
  readonly replace?: readonly string[]
  /** Variables that their own build would set, such as the version that they report: `package.name` to its value. */
  readonly set?: Readonly<Record<string, string>>
  /** Their module, where its own go.sum is needed: not everything that it requires is in the public database of checksums. */
  readonly sums?: string
}

/**
 * A program that is built from a Go module, with the Go of this machine. Takes minutes the first time; the sources and what Go
 * compiled on the way go again, since they are a hundred times what is kept.
 */
export function goProgram({ title, name, package: main, version }: GoProgram): Part {
  return {
    title,
    async bring() {
      const folder = await cached(`${name}-${version}`, (place) => build(join(place, name), { packages: [main], version }))
      return join(folder, name)
    },
  }
}

/** As {@link goProgram}, for several; answers the folder that they lie in. */
export function goPrograms({ title, name, ...what }: GoPrograms): Part {
  return { title, bring: () => cached(`${name}-${what.version}`, (place) => build(`${place}/`, what)) }
}

async function build(out: string, { packages, version, replace = [], set = {}, sums }: Omit<GoPrograms, 'title' | 'name'>): Promise<void> {
  const go = programOnPath('go')
  if (go === undefined) throw new Missing('it is built with Go, which is not installed')
  const work = await mkdtemp(join(tmpdir(), 'keyturn-go-'))
  try {
    // What it compiles and fetches goes with the folder, and no other Go is fetched.
    const env = {
      ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOPATH: join(work, 'path'), GOMODCACHE: join(work, 'modules'),
      GOCACHE: join(work, 'cache'), GOFLAGS: '-mod=mod -modcacherw -trimpath -buildvcs=false',
    }
    const run = async (...args: readonly string[]): Promise<string> => {
      const { code, out: said, err } = await runProgram(go, args, { cwd: work, env })
      if (code !== 0) throw new Missing(`go ${args[0]} failed: ${err.trim().split('\n').at(-1)}`)
      return said
    }
    await writeFile(join(work, 'go.mod'), `module part\n${replace.map((line) => `replace ${line}\n`).join('')}`)
    if (sums !== undefined) {
      const { Dir } = JSON.parse(await run('mod', 'download', '-json', `${sums}@${version}`)) as { readonly Dir: string }
      await copyFile(join(Dir, 'go.sum'), join(work, 'go.sum'))
    }
    await run('get', '-tool', ...packages.map((main) => `${main}@${version}`))
    const flags = ['-s', '-w', ...Object.entries(set).map(([name, value]) => `-X ${name}=${value}`)]
    await run('build', '-ldflags', flags.join(' '), '-o', out, ...packages)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
