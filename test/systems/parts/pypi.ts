import { join } from 'node:path'
import { cached } from './cache.ts'
import { Missing, type Part } from './part.ts'
import { programOnPath, runProgram } from './program.ts'

/** A package from PyPI in an environment of its own; what is started is that environment's Python. */
export function pypiPackage(name: string, version: string): Part {
  return {
    title: `${name} ${version}`,
    async bring() {
      const folder = await cached(`${name}-${version}`, async (place) => {
        const python = programOnPath('python3')
        if (python === undefined) throw new Missing('it runs on Python 3, which is not installed')
        const run = async (program: string, ...args: readonly string[]): Promise<void> => {
          const { code, out, err } = await runProgram(program, args)
          if (code !== 0) throw new Missing(`${args.slice(0, 3).join(' ')} failed: ${`${out}${err}`.trim().split('\n').at(-1)}`)
        }
        await run(python, '-m', 'venv', place)
        await run(join(place, 'bin/python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', ':all:', `${name}==${version}`)
      })
      return join(folder, 'bin/python')
    },
  }
}
