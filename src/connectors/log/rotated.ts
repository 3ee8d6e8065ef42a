import { readdir, realpath } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'

const PACKED = /\.(?:gz|xz|zst|bz2|lz4)$/

/** A file to which a log may have been renamed or copied when it was rotated. */
export interface Rotated {
  readonly path: string
  /** Compressed: its lines are not read. */
  readonly packed: boolean
}

/**
 * The other files of a log in its folder, by the names that logrotate and the log libraries give: `app.log.1`, `app.log-20260131`,
 * `app-2026-01-31.log`, `app.1.log`, also packed. A link is followed first. None when the folder cannot be listed. Looks only.
 */
export async function rotatedOf(path: string): Promise<readonly Rotated[]> {
  const real = await realpath(path).catch(() => path)
  const folder = dirname(real)
  const name = basename(real)
  const extension = extname(name)
  const number = String.raw`[.-]\d[\d.:T_-]*`
  const bare = name.slice(0, name.length - extension.length).replace(new RegExp(`${number}$`), '')
  const [stem, ending] = [bare, extension].map(escaped)
  const older = new RegExp(`^${stem}(?:${number})?${ending}(?:${number})?$`)
  const names = await readdir(folder).catch((): string[] => [])
  const others = names.filter((other) => other !== name && older.test(other.replace(PACKED, '')))
  return others.map((other) => ({ path: join(folder, other), packed: PACKED.test(other) }))
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}
