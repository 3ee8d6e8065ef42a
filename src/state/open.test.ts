import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { BACKENDS, freshState, openOne, tempFolder } from '../../test/fixture/state.ts'
import { createIdentity } from '../sealing/identity.ts'
import { openState, STATE_FILE } from './open.ts'
import { listRotations } from './rotation.ts'
import { STATE_VERSION } from './schema.ts'

const mode = (path: string): number => statSync(path).mode & 0o777

/** Runs with a umask that keeps nothing from anybody. */
async function withoutUmask<T>(body: () => Promise<T>): Promise<T> {
  const before = process.umask(0)
  try {
    return await body()
  } finally {
    process.umask(before)
  }
}

describe('the folder of a state', () => {
  it('is made 0700, every file in it 0600, whatever the umask is (X-02)', async () => {
    const state = await withoutUmask(async () => {
      const made = await freshState()
      await openOne(made, 'one')
      return made
    })
    expect(mode(state.folder)).toBe(0o700)
    const files = readdirSync(state.folder)
    expect(files).toEqual(expect.arrayContaining([STATE_FILE, `${STATE_FILE}-wal`, `${STATE_FILE}-shm`]))
    expect(files.map((name) => [name, mode(join(state.folder, name))])).toEqual(files.map((name) => [name, 0o600]))
    expect(readFileSync(join(state.folder, '.gitignore'), 'utf8')).toBe('*\n')
  })

  it.each(
    [0o755, 0o750, 0o701, 0o770]
  )('that is open to others is refused with STATE_UNSAFE, and is left as it is (%o)', async (wide) => {
    const root = tempFolder()
    const folder = join(root, 'state')
    mkdirSync(folder)
    chmodSync(folder, wide)
    await expect(openState(folder, join(root, 'identity'), true)).rejects.toMatchObject({ code: 'STATE_UNSAFE' })
    expect(mode(folder)).toBe(wide)
    expect(readdirSync(folder)).toEqual([])
    expect(existsSync(join(root, 'identity'))).toBe(false)
  })

  it('may not hold the identity, by whatever way, which may lie in a folder with a similar name', async () => {
    const root = tempFolder()
    const folder = join(root, 'state')
    mkdirSync(folder, { mode: 0o700 })
    symlinkSync(folder, join(root, 'link'))
    const inside = [
      join(folder, 'identity'), join(folder, 'deep', 'identity'), join(root, 'link', 'identity'),
      join(folder, '..state', 'identity'), join(root, 'else', '..', 'state', 'identity'),
    ]
    for (const path of inside) await expect(openState(folder, path, true)).rejects.toMatchObject({ code: 'IDENTITY_UNSAFE' })
    await expect(openState(join(root, 'link'), join(folder, 'identity'), true)).rejects.toMatchObject({ code: 'IDENTITY_UNSAFE' })
    expect(readdirSync(folder)).toEqual([])
    const state = await openState(folder, join(root, 'state-identity'), true)
    await state.close()
  })

  it('is not made by looking', async () => {
    const root = tempFolder()
    await expect(openState(join(root, 'state'), undefined)).rejects.toMatchObject({ code: 'ROTATION_UNKNOWN' })
    expect(readdirSync(root)).toEqual([])
  })
})

describe.each(BACKENDS)('the identity of a state, on $name', ({ fresh }) => {
  it('is made beside it on first use, and bound to it: another one is refused with IDENTITY_WRONG', async () => {
    const root = tempFolder()
    const state = await fresh(root)
    await state.close()
    await createIdentity(join(root, 'other'))
    await expect(openState(state.place, join(root, 'other'))).rejects.toMatchObject({ code: 'IDENTITY_WRONG' })
    const again = await openState(state.place, state.identityFile)
    expect(again.publicKey).toBe(state.publicKey)
    await again.close()
  })

  it('that is lost is told, never replaced by a new one', async () => {
    const state = await fresh()
    await state.close()
    rmSync(state.identityFile)
    await expect(openState(state.place, state.identityFile, true)).rejects.toMatchObject({ code: 'IDENTITY_MISSING' })
    expect(existsSync(state.identityFile)).toBe(false)
  })

  it('that others can read is refused with IDENTITY_UNSAFE', async () => {
    const state = await fresh()
    await state.close()
    chmodSync(state.identityFile, 0o644)
    await expect(openState(state.place, state.identityFile)).rejects.toMatchObject({ code: 'IDENTITY_UNSAFE' })
  })

  it('is not needed to read the state: status works without', async () => {
    const state = await fresh()
    await openOne(state, 'one')
    await state.close()
    renameSync(state.identityFile, `${state.identityFile}.away`)
    const bare = await openState(state.place, undefined)
    expect(bare.identity).toBeUndefined()
    expect(bare.publicKey).toBe(state.publicKey)
    expect((await listRotations(bare.db)).map((row) => row.id)).toEqual(['one'])
    await bare.close()
  })
})

describe('the migrations', () => {
  it('begin again where a run was killed between the file and its tables', async () => {
    const root = tempFolder()
    const folder = join(root, 'state')
    const state = await freshState(root)
    await state.close()
    for (const name of readdirSync(folder).filter((each) => each.startsWith(STATE_FILE))) rmSync(join(folder, name))
    copyFileSync('/dev/null', join(folder, STATE_FILE))
    const again = await openState(folder, state.identityFile, true)
    expect(again.publicKey).toBe(state.publicKey)
    await again.close()
  })

  it('refuse a state of a newer keyturn with STATE_NEWER, and change nothing in it', async () => {
    const state = await freshState()
    await state.close()
    const file = join(state.folder, STATE_FILE)
    const newer = new DatabaseSync(file)
    newer.exec(`pragma user_version = ${STATE_VERSION + 1}`)
    newer.close()
    const before = readFileSync(file)
    await expect(openState(state.folder, state.identityFile)).rejects.toMatchObject(
      { code: 'STATE_NEWER', about: expect.stringContaining(String(STATE_VERSION + 1)) as string }
    )
    expect(readFileSync(file).equals(before)).toBe(true)
  })
})
