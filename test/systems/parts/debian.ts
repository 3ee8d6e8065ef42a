import { Missing, type Part } from './part.ts'
import { programOnPath, runProgram } from './program.ts'

/** A program of a Debian package, in the version that this machine has or gets. It is installed only for root. */
export function debianProgram(name: string, from: string = name): Part {
  return {
    title: name,
    async bring() {
      const found = programOnPath(name)
      if (found !== undefined) return found
      const apt = programOnPath('apt-get')
      if (apt === undefined || process.getuid?.() !== 0) throw new Missing(`it is not installed (Debian: apt-get install ${from})`)
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
      for (const args of [['update'], ['install', '--yes', '--no-install-recommends', from]]) {
        const { code, err } = await runProgram(apt, args, { env })
        if (code !== 0) throw new Missing(`apt-get ${args[0]} failed: ${err.trim().split('\n').at(-1)}`)
      }
      const installed = programOnPath(name)
      if (installed === undefined) throw new Missing(`the package ${from} does not bring it`)
      return installed
    },
  }
}
