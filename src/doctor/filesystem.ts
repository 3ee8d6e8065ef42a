/**
 * File systems whose files lie on another machine, by the numbers of statfs(2) and linux/magic.h. Locks there are at best advisory
 * between machines, and SQLite warns of all of them (sqlite.org/howtocorrupt.html, 2.1; sqlite.org/wal.html: "not over a network").
 */
const REMOTE: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x564c, 'NCP'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
  [0x7461636f, 'OCFS2'],
  [0x786f4256, 'a folder of the host (vboxsf)'],
])

/** A program serves it: sshfs over a network, but also a local one. */
const FUSE = 0x65735546

/** Where the files of a file system lie, by the type that statfs gives on Linux. */
export function whereFilesLie(type: number): { readonly is: 'local' } | { readonly is: 'remote' | 'unclear'; readonly name: string } {
  // 32-bit kernels show the greater ones as negative.
  const magic = type >>> 0
  const name = REMOTE.get(magic)
  if (name !== undefined) return { is: 'remote', name }
  return magic === FUSE ? { is: 'unclear', name: 'FUSE' } : { is: 'local' }
}
