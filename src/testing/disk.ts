import { disk, type FilePort } from '../outside/file/port.ts'

/** One step of a file's replacement; the last line is of one that is written in place. */
export type DiskStep =
  | 'real' | 'stat' | 'read' | 'writable'
  | 'create' | 'write' | 'half-write' | 'own' | 'mode' | 'sync'
  | 'rename' | 'remove' | 'sync-folder' | 'list'
  | 'edit' | 'overwrite' | 'half-overwrite' | 'cut' | 'sync-edit'

/** What the system says at a step: an errno such as `ENOSPC`, or a function that is run right before the step goes through. */
export type DiskFault = string | (() => Promise<void> | void)

/**
 * The real file system with faults at steps. `half-write` and `half-overwrite` write the first half before they fail, as a full disk does.
 * `killed` as an errno stands for a process that ends there: nothing later is done either, tidying up included.
 */
export function faultyDisk(faults: Readonly<Partial<Record<DiskStep, DiskFault>>>): FilePort {
  let dead = false
  const at = async (step: DiskStep): Promise<void> => {
    const fault = faults[step]
    if (typeof fault === 'function') await fault()
    if (typeof fault === 'string' && fault === 'killed') dead = true
    if (dead || typeof fault === 'string') throw Object.assign(new Error(step), { code: dead ? 'EIO' : fault })
  }
  const guard =
    <A extends readonly unknown[], R>(step: DiskStep, act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await at(step)
      return act(...args)
    }
  return {
    real: guard('real', disk.real),
    stat: guard('stat', disk.stat),
    read: guard('read', disk.read),
    rename: guard('rename', disk.rename),
    remove: guard('remove', disk.remove),
    syncFolder: guard('sync-folder', disk.syncFolder),
    list: guard('list', disk.list),
    writable: guard('writable', disk.writable),
    edit: guard('edit', async (path: string) => {
      const file = await disk.edit(path)
      return {
        write: guard('overwrite', async (content: Uint8Array) => {
          if (faults['half-overwrite'] !== undefined) await file.write(content.subarray(0, content.length / 2))
          await at('half-overwrite')
          await file.write(content)
        }),
        cut: guard('cut', file.cut),
        sync: guard('sync-edit', file.sync),
        close: file.close,
      }
    }),
    create: guard('create', async (path: string) => {
      const file = await disk.create(path)
      return {
        write: guard('write', async (content: Uint8Array) => {
          if (faults['half-write'] !== undefined) await file.write(content.subarray(0, content.length / 2))
          await at('half-write')
          await file.write(content)
        }),
        own: guard('own', file.own),
        mode: guard('mode', file.mode),
        sync: guard('sync', file.sync),
        stat: file.stat,
        close: file.close,
      }
    }),
  }
}
