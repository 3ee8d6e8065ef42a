import { Encrypter } from 'age-encryption'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { entry, freshState, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { encodings } from '../kit/encodings.ts'
import { type Credential, Secret } from '../kit/index.ts'
import { createIdentity, type Identity } from './identity.ts'
import { append } from './journal.ts'
import { readSealed } from './ledger.ts'
import { seal, type SealPlace, unseal } from './seal.ts'
import { STATE_FILE } from './open.ts'

const place: SealPlace = { rotation: 'one', name: 'new', secret: 'atlas/staging/database' }
const credential = (): Credential => (
  { id: 'app', fields: { user: new Secret('app'), password: new Secret(generate(ALNUM, 32)) } }
)
const identityOf = (name = 'identity', folder: string = tempFolder()): Promise<Identity> => createIdentity(join(folder, name))

describe('a sealed credential', () => {
  it('comes back with its id and all of its fields, and is not in what is stored', async () => {
    const identity = await identityOf()
    const given = credential()
    const sealed = await seal(given, place, identity)
    const opened = await unseal(sealed, place, identity)
    expect(opened.id).toBe('app')
    expect(opened.fields['password']?.equals(given.fields['password'])).toBe(true)
    expect(Buffer.from(sealed.ciphertext).includes(given.fields['password']?.reveal() ?? '')).toBe(false)
  })

  it.each([
    ['rotation', { ...place, rotation: 'two' }], ['name', { ...place, name: 'old' as const }], [
      'secret',
      { ...place, secret: 'atlas/staging/cache' },
    ],
  ])('is refused when its row was moved to another %s', async (_, other) => {
    const identity = await identityOf()
    const sealed = await seal(credential(), place, identity)
    await expect(unseal(sealed, other, identity)).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
  })

  it('is refused when one bit of it was changed', async () => {
    const identity = await identityOf()
    const sealed = await seal(credential(), place, identity)
    for (const at of [0, Math.floor(sealed.ciphertext.length / 2), sealed.ciphertext.length - 1]) {
      const ciphertext = Uint8Array.from(sealed.ciphertext)
      ciphertext[at] = (ciphertext[at] ?? 0) ^ 1
      await expect(unseal({ ...sealed, ciphertext }, place, identity)).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
    }
    await expect(
      unseal({ ...sealed, mac: sealed.mac.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }, place, identity)
    ).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
  })

  it('is refused when somebody else made it with the public recipient alone', async () => {
    const [identity, theirs] = [await identityOf(), await identityOf()]
    const encrypter = new Encrypter()
    encrypter.addRecipient(identity.recipient)
    const ciphertext = await encrypter.encrypt(
      JSON.stringify({ secret: place.secret, credential: 'app', fields: { user: 'app', password: 'chosen by somebody else' } })
    )
    const mac = (await seal(credential(), place, theirs)).mac
    for (const forged of [{ ciphertext, mac }, { ciphertext, mac: '' }, { ciphertext, mac: theirs.mac(ciphertext) }]) {
      await expect(unseal(forged, place, identity)).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
    }
  })

  it('is refused by another identity', async () => {
    const sealed = await seal(credential(), place, await identityOf())
    await expect(unseal(sealed, place, await identityOf())).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
  })
})

describe('sealed rows', () => {
  it('hold no value in any encoding, and the wiped one is not in the file after the close (X-02, X-03, I11)', async () => {
    const root = tempFolder()
    const state = await freshState(root)
    const { identity } = state
    if (identity === undefined) throw new Error('no identity')
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const [fresh, old] = [credential(), credential()]
    const sealed = { new: await seal(fresh, place, identity), old: await seal(old, { ...place, name: 'old' }, identity) }
    await append(state, held, [entry(2)], { sealed })
    const files = (): Buffer => Buffer.concat(['', '-wal'].map((end) => readFileSync(join(state.folder, STATE_FILE + end))))
    expect(files().includes(Buffer.from(sealed.old.ciphertext))).toBe(true)
    expectNoValue(files(), [fresh, old])
    await append(state, held, [entry(3)], { close: { result: 'done', wipe: ['old'] } })
    expect(await readSealed(state.db, 'one', 'old')).toBeUndefined()
    expect(await unseal((await readSealed(state.db, 'one', 'new')) ?? sealed.old, place, identity)).toMatchObject({ id: 'app' })
    await state.close()
    const bytes = readFileSync(join(state.folder, STATE_FILE))
    expectNoValue(bytes, [fresh, old])
    // Not a part of it either: a page that was freed but not overwritten would hold the middle of it.
    const middle = Buffer.from(sealed.old.ciphertext).subarray(-48, -16)
    expect(bytes.includes(middle)).toBe(false)
    expect(bytes.includes(Buffer.from(sealed.new.ciphertext).subarray(-48, -16))).toBe(true)
  })
})

function expectNoValue(bytes: Buffer, credentials: readonly Credential[]): void {
  for (const each of credentials) {
    const value = each.fields['password']?.reveal() ?? ''
    expect([...encodings(value)].filter((form) => bytes.includes(form))).toEqual([])
    expect(bytes.includes(Buffer.from(value, 'utf16le'))).toBe(false)
  }
}
