import type { Stats } from 'node:fs'
import { lstat, open, readdir, readFile, realpath, rename, unlink, access, constants } from 'node:fs/promises'

/** A new file while it is being written. Each method is one system call, so that each can fail by itself. */
export interface NewFile {
  write(content: Uint8Array): Promise<void>
  /** To the disk, not only to the kernel. */
  sync(): Promise<void>
  own(uid: number, gid: number): Promise<void>
  mode(mode: number): Promise<void>
  stat(): Promise<Stats>
  close(): Promise<void>
}

/** A file that is there, while it is written in place. Each method can fail by itself. */
export interface OldFile {
  /** Over what it holds, from its beginning; what it holds beyond that stays. */
  write(content: Uint8Array): Promise<void>
  /** Ends it at this length. */
  cut(length: number): Promise<void>
  /** To the disk, not only to the kernel. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** The few ways in which keyturn touches files. Tests put faults between; everybody else takes {@link disk}. */
export interface FilePort {
  /** Follows every link. */
  real(path: string): Promise<string>
  /** Of the path itself, not of what a link points at. */
  stat(path: string): Promise<Stats>
  read(path: string): Promise<Buffer>
  /** Mode 0600, only if there is no such file (O_EXCL, which also never follows a link). */
  create(path: string): Promise<NewFile>
  /** Opens a file to write in place; never follows a link. */
  edit(path: string): Promise<OldFile>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** The names in a folder. */
  list(folder: string): Promise<readonly string[]>
  /** Makes a rename in this folder durable. */
  syncFolder(folder: string): Promise<void>
  /** Throws when this user may not write it. */
  writable(path: string): Promise<void>
}

/** The real file system. */
export const disk: FilePort = {
  real: (path) => realpath(path),
  stat: (path) => lstat(path),
  read: (path) => readFile(path),
  create: async (path) => {
    const handle = await open(path, 'wx', 0o600)
    return {
      write: (content) => handle.writeFile(content),
      sync: () => handle.sync(),
      own: (uid, gid) => handle.chown(uid, gid),
      mode: (mode) => handle.chmod(mode),
      stat: () => handle.stat(),
      close: () => handle.close(),
    }
  },
  edit: async (path) => {
    const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW)
    return {
      write: async (content) => {
        for (let at = 0; at < content.length; ) at += (await handle.write(content, at, content.length - at, at)).bytesWritten
      },
      cut: (length) => handle.truncate(length),
      sync: () => handle.sync(),
      close: () => handle.close(),
    }
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => unlink(path),
  list: (folder) => readdir(folder),
  syncFolder: async (folder) => {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  writable: (path) => access(path, constants.W_OK),
}
