import { join, relative } from 'node:path'
import type { FilePort } from './port.ts'

/** Where a file is mounted by itself, as `docker run -v FILE:FILE` does it. */
export interface FileMounts {
  /** The path itself is such a mount: no other file can take its place (rename(2): EBUSY). */
  readonly here: boolean
  /** It is, and what is mounted has lost its name since: whoever reads the file by its name reads another one. */
  readonly orphan: boolean
  /**
   * How many other mount namespaces, i.e. containers, have this very file mounted: they keep it when another one takes its name.
   * Those of other users may not be seen.
   */
  readonly elsewhere: number
  /** How many have one mounted that had this name before, and was replaced since: they hold an old content. */
  readonly stale: number
}

interface Mount {
  readonly device: string
  /** What is mounted: its path on that device. */
  readonly root: string
  readonly point: string
}

/** What Linux writes behind the root of a mount whose file has lost its name. */
const GONE = '//deleted'

/**
 * Looks where the file is mounted by itself: in the mounts of this process, and in those of every other one that may be looked at.
 * proc_pid_mountinfo(5). Without /proc/PID/mountinfo (no Linux) it finds none. `real` is free of links.
 */
export async function findMounts(real: string, port: FilePort): Promise<FileMounts> {
  const ours = await readTable('self', port)
  if (ours === undefined) return { here: false, orphan: false, elsewhere: 0, stale: 0 }
  const holder = parse(ours).filter(({ point }) => holds(point, real)).reduce(deeper, NONE)
  const root = join(holder.root, relative(holder.point, real))
  // Processes of one namespace have the same table.
  const seen = new Set([ours])
  let [elsewhere, stale] = [0, 0]
  for (const name of await processes(port)) {
    const table = await readTable(name, port)
    if (table === undefined || seen.has(table)) continue
    seen.add(table)
    const roots = parse(table).filter(({ device }) => device === holder.device).map((mount) => mount.root)
    if (roots.includes(root)) elsewhere += 1
    else if (roots.includes(root + GONE)) stale += 1
  }
  const here = holder.point === real
  return { here, orphan: here && holder.root.endsWith(GONE), elsewhere, stale }
}

const NONE: Mount = { device: '', root: '/', point: '' }

/** Of two that hold a path; of two at one place the later one lies on top. */
function deeper(best: Mount, next: Mount): Mount {
  return next.point.length >= best.point.length ? next : best
}

/** Whether the path lies in what is mounted there. */
function holds(point: string, path: string): boolean {
  return point === path || path.startsWith(point === '/' ? '/' : `${point}/`)
}

/** Undefined when it cannot be read: the process has ended, or is not ours to look at. */
async function readTable(name: string, port: FilePort): Promise<string | undefined> {
  try {
    return (await port.read(`/proc/${name}/mountinfo`)).toString('utf8')
  } catch {
    return undefined
  }
}

async function processes(port: FilePort): Promise<readonly string[]> {
  try {
    return (await port.list('/proc')).filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function parse(table: string): readonly Mount[] {
  return table.split('\n').flatMap((line) => {
    const [, , device, root, point] = line.split(' ')
    if (device === undefined || root === undefined || point === undefined) return []
    return [{ device, root: unescape(root), point: unescape(point) }]
  })
}

/** Blank, tab, line end and backslash stand there as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
