/** Where something was seen: a file, from the scanned folder and with `/`, and a line, 1-based. */
export interface Seen {
  readonly file: string
  readonly line: number
}

/** As compilers write it: `api/.env:3`. */
export function placeOf({ file, line }: Seen): string {
  return `${file}:${line}`
}

/** In the order of files and lines. */
export function bySeen(a: { readonly seen: Seen }, b: { readonly seen: Seen }): number {
  return a.seen.file === b.seen.file ? a.seen.line - b.seen.line : a.seen.file < b.seen.file ? -1 : 1
}
