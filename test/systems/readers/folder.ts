import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Puts these texts into files of a folder, hands over their paths in order, and takes the folder away after. */
export async function inFiles<T>(texts: readonly string[], body: (paths: readonly string[], folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-readers-'))
  try {
    const paths = texts.map((_, at) => join(folder, `${at}.env`))
    for (const [at, path] of paths.entries()) writeFileSync(path, texts[at] ?? '')
    return await body(paths, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
