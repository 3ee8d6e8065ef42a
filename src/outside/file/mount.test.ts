import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mountFile } from '../../../test/fixture/mounted-file.ts'
import { type FileMounts, findMounts } from './mount.ts'
import { disk, type FilePort } from './port.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyturn-mount-'))
  file = join(folder, 'config.json')
  writeFileSync(file, 'old')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A machine with these mount tables, by process. */
function machine(tables: Readonly<Record<string, readonly string[]>>): FilePort {
  return {
    ...disk,
    list: async () => [...Object.keys(tables), 'self', 'cpuinfo', '77'],
    read: async (path) => {
      const table = tables[path.split('/')[2] ?? '']
      if (table === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' })
      return Buffer.from(`${table.join('\n')}\n`)
    },
  }
}

const line = (device: string, root: string, point: string): string => `36 35 ${device} ${root} ${point} rw,relatime shared:1 - ext4 /dev/vda1 rw`
const HOST = [line('254:1', '/', '/'), line('254:2', '/', '/srv'), line('0:21', '/', '/proc')]
const none: FileMounts = { here: false, orphan: false, elsewhere: 0, stale: 0 }

describe('findMounts (S0-50)', () => {
  it('finds nothing where a file is in a folder that is mounted', async () => {
    const container = [line('0:99', '/', '/'), line('254:2', '/app', '/app')]
    expect(await findMounts('/srv/app/key.json', machine({ self: HOST, 1: HOST, 9: container }))).toEqual(none)
  })

  it('finds a file that is a mount of its own, also one with a blank in its name', async () => {
    const ours = [...HOST, line('254:2', String.raw`/app/my\040key`, String.raw`/srv/app/my\040key`)]
    expect(await findMounts('/srv/app/my key', machine({ self: ours, 1: ours }))).toEqual({ ...none, here: true })
    expect(await findMounts('/srv/app/my', machine({ self: ours }))).toEqual(none)
  })

  it('finds the containers that have this very file mounted, each once, wherever they have it', async () => {
    const one = [line('0:99', '/', '/'), line('254:2', '/app/key.json', '/run/key')]
    const two = [line('0:98', '/', '/'), line('254:2', '/app/key.json', '/other/key')]
    const tables = { self: HOST, 1: HOST, 9: one, 10: one, 11: two }
    expect(await findMounts('/srv/app/key.json', machine(tables))).toEqual({ ...none, elsewhere: 2 })
    expect(await findMounts('/srv/app/key', machine(tables))).toEqual(none)
    // The same path on another device is another file.
    expect(await findMounts('/app/key.json', machine(tables))).toEqual(none)
  })

  it('finds the containers that hold one that was replaced', async () => {
    const stale = [line('254:2', '/app/key.json//deleted', '/run/key')]
    expect(await findMounts('/srv/app/key.json', machine({ self: HOST, 9: stale }))).toEqual({ ...none, stale: 1 })
  })

  it('finds that the file which is mounted here was replaced outside', async () => {
    const ours = [line('0:99', '/', '/'), line('254:2', '/app/key.json//deleted', '/run/key')]
    expect(await findMounts('/run/key', machine({ self: ours }))).toEqual({ ...none, here: true, orphan: true })
  })

  it('finds nothing where there is no such table', async () => {
    expect(await findMounts('/srv/app/key.json', machine({ 1: HOST }))).toEqual(none)
  })

  it('finds the real thing: mounted elsewhere, replaced since, and mounted here', async () => {
    const at = join(folder, 'at')
    writeFileSync(at, '')
    const container = await mountFile(file, at)
    // Without the right to mount, tables say what the kernel would.
    if (container === undefined) {
      expect((await findMounts(file, machine({ self: HOST, 9: [line('254:1', file, at)] }))).elsewhere).toBe(1)
      return
    }
    expect(await findMounts(file, disk)).toEqual({ ...none, elsewhere: 1 })
    const look = `import { findMounts } from '${pathToFileURL(join(import.meta.dirname, 'mount.ts')).href}'
      import { disk } from '${pathToFileURL(join(import.meta.dirname, 'port.ts')).href}'
      console.log(JSON.stringify(await findMounts(${JSON.stringify(at)}, disk)))`
    expect(JSON.parse(await container.run(look))).toMatchObject({ here: true, orphan: false })
    writeFileSync(`${file}.new`, 'new')
    renameSync(`${file}.new`, file)
    expect(container.read(at)).toBe('old')
    expect(await findMounts(file, disk)).toEqual({ ...none, stale: 1 })
  })
})
