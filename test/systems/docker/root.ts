import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runProgram } from '../parts/program.ts'
import { busybox } from './system.ts'

/** What the containers run. */
const APPLETS = ['sh', 'sleep', 'test', 'tr', 'sed', 'grep', 'sha256sum', 'head', 'touch', 'rm']

/** Makes the file system of an image, a tar archive in this folder, of what this machine has. Answers its path. */
export async function buildRoot(folder: string): Promise<string> {
  const [root, archive, program] = [join(folder, 'root'), join(folder, 'root.tar'), await busybox.bring()]
  for (const each of ['bin', 'proc', 'tmp', 'etc', 'run']) mkdirSync(join(root, each), { recursive: true })
  copyFileSync(program, join(root, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
  for (const library of new Set([...(await librariesOf(program)), ...(await librariesOf(process.execPath))])) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(library, join(root, library))
  }
  const { code, err } = await runProgram(program, ['tar', '-c', '-f', archive, '-C', root, '.'])
  if (code !== 0) throw new Error(`tar: ${err}`)
  return archive
}

/** None for a program that is linked statically. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { out } = await runProgram('ldd', [program])
  return [...out.matchAll(/(?:=> |^\t)(\/\S+)/gm)].map(([, path = '']) => path)
}
