import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync } from 'node:sqlite'

// Loaded into the CLI before its own code (`node --import`): the disk is full for the state or for the store, as WORLDS_FULL says.
// For machines on which a test may not mount a small file system.

const what = process.env['WORLDS_FULL']

if (what === 'state') {
  // SQLite answers SQLITE_FULL when it may not add a page, as it does when the disk has no room for one.
  const exec = DatabaseSync.prototype.exec
  DatabaseSync.prototype.exec = function limited(this: DatabaseSync, sql: string): void {
    exec.call(this, sql)
    if (/foreign_keys/i.test(sql)) exec.call(this, 'PRAGMA max_page_count = 1')
  }
}

if (what === 'store') {
  const open = fs.promises.open
  fs.promises.open = async (...args: Parameters<typeof open>) => {
    const handle = await open(...args)
    if (String(args[0]).includes('.keyturn-tmp')) {
      handle.writeFile = () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    }
    return handle
  }
  syncBuiltinESMExports()
}
