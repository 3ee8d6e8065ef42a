import { Encrypter } from 'age-encryption'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BACKENDS, entry, freshState, openOne, take, tempFolder } from '../../test/fixture/state.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { encodings } from '../redact/encodings.ts'
import { type Credential, done, Secret, unknown } from '../kit/index.ts'
import type { Sealer } from '../kit/sealer.ts'
import { ageSealer } from './age.ts'
import { createIdentity, type Identity } from './identity.ts'
import { append } from '../state/journal.ts'
import { readSealed } from '../state/ledger.ts'
import { seal, type SealPlace, unseal } from './seal.ts'
import { STATE_FILE } from '../state/open.ts'

const place: SealPlace = { rotation: 'one', name: 'new', secret: 'atlas/staging/database' }
const credential = (): Credential => (
  { id: 'app', fields: { user: new Secret('app'), password: new Secret(generate(ALNUM, 32)) } }
)
const identityOf = (name = 'identity', folder: string = tempFolder()): Promise<Identity> => createIdentity(join(folder, name))
const sealerOf = async (): Promise<Sealer> => ageSealer(await identityOf())

describe('a sealed credential', () => {
  it('comes back with its id and all of its fields, and is not in what is stored', async () => {
    const sealer = await sealerOf()
    const given = credential()
    const sealed = await seal(given, place, sealer)
    const opened = await unseal(sealed, place, sealer)
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
    const sealer = await sealerOf()
    const sealed = await seal(credential(), place, sealer)
    await expect(unseal(sealed, other, sealer)).rejects.toMatchObject({ code: 'SEAL_BROKEN', about: `${other.name} of ${other.rotation}` })
  })

  it('is refused when one bit of its row was changed, the name of its sealer included', async () => {
    const sealer = await sealerOf()
    const sealed = await seal(credential(), place, sealer)
    for (let at = 0; at < sealed.ciphertext.length; at += 7) {
      const ciphertext = Uint8Array.from(sealed.ciphertext)
      ciphertext[at] = (ciphertext[at] ?? 0) ^ 1
      await expect(unseal({ ...sealed, ciphertext }, place, sealer)).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
    }
    for (const mac of ['0', '0'.repeat(64)]) await expect(unseal({ ...sealed, mac }, place, sealer)).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
    for (const ciphertext of [new Uint8Array(0), Buffer.from('\n'), Buffer.from('keyturn-sealed/1 age')]) {
      await expect(unseal({ ciphertext, mac: '' }, place, sealer)).rejects.toMatchObject({ code: 'SEAL_BROKEN', about: 'new of one' })
    }
  })

  it('names the sealer and the key that sealed it, and is refused by another key and by another kind of sealer', async () => {
    const [sealer, other] = [await sealerOf(), await sealerOf()]
    const sealed = await seal(credential(), place, sealer)
    expect(Buffer.from(sealed.ciphertext).toString('latin1')).toMatch(new RegExp(`^keyturn-sealed/1 age ${sealer.recipient}\n`))
    const asked: string[] = []
    const vault: Sealer = { ...sealer, id: 'vault', unseal: async () => { asked.push('vault'); return done(new Uint8Array(0)) } }
    for (const each of [other, vault]) {
      await expect(unseal(sealed, place, each)).rejects.toMatchObject({
        code: 'SEAL_BROKEN', about: `new of one was sealed by age to ${sealer.recipient}, which is neither this identity nor what \`sealing\` names`,
      })
    }
    expect(asked).toEqual([])
  })

  it('opens from a row of before sealers had names, and nowhere else', async () => {
    const identity = await identityOf()
    const encrypter = new Encrypter()
    encrypter.addRecipient(identity.recipient)
    const ciphertext = await encrypter.encrypt(JSON.stringify({ secret: place.secret, credential: 'app', fields: { password: 'kept' } }))
    const mac = identity.mac(Buffer.concat([Buffer.from(JSON.stringify([place.rotation, place.name, place.secret])), ciphertext]))
    const opened = await unseal({ ciphertext, mac }, place, ageSealer(identity))
    expect(opened.fields['password']?.reveal()).toBe('kept')
    for (const [row, at] of [[{ ciphertext, mac }, { ...place, name: 'old' as const }], [{ ciphertext, mac: '' }, place], [{ ciphertext, mac: mac.toUpperCase() }, place]] as const) {
      await expect(unseal(row, at, ageSealer(identity))).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
    }
  })

  it('tells a sealer that cannot be asked from a broken seal, and ends it in time', async () => {
    const sealer = await sealerOf()
    const sealed = await seal(credential(), place, sealer)
    const signals: AbortSignal[] = []
    const away: Sealer = { ...sealer, unseal: async (_, __, { signal }) => { signals.push(signal); return unknown('UNREACHABLE', 'vault.example:8200') } }
    await expect(unseal(sealed, place, away)).rejects.toMatchObject({ code: 'UNREACHABLE', about: 'vault.example:8200' })
    expect(signals[0]?.aborted).toBe(false)
  })
})

describe('sealed rows', () => {
  it('hold no value in any encoding, and the wiped one is not in the file after the close (X-02, X-03, I11)', async () => {
    const root = tempFolder()
    const state = await freshState(root)
    const { identity } = state
    if (identity === undefined) throw new Error('no identity')
    const sealer = ageSealer(identity)
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const [fresh, old] = [credential(), credential()]
    const sealed = { new: await seal(fresh, place, sealer), old: await seal(old, { ...place, name: 'old' }, sealer) }
    await append(state, held, [entry(2)], { sealed })
    const files = (): Buffer => Buffer.concat(['', '-wal'].map((end) => readFileSync(join(state.folder, STATE_FILE + end))))
    expect(files().includes(Buffer.from(sealed.old.ciphertext))).toBe(true)
    expectNoValue(files(), [fresh, old])
    await append(state, held, [entry(3)], { close: { result: 'done', wipe: ['old'] } })
    expect(await readSealed(state.db, 'one', 'old')).toBeUndefined()
    expect(await unseal((await readSealed(state.db, 'one', 'new')) ?? sealed.old, place, sealer)).toMatchObject({ id: 'app' })
    await state.close()
    const bytes = readFileSync(join(state.folder, STATE_FILE))
    expectNoValue(bytes, [fresh, old])
    // Not a part of it either: a page that was freed but not overwritten would hold the middle of it.
    const middle = Buffer.from(sealed.old.ciphertext).subarray(-48, -16)
    expect(bytes.includes(middle)).toBe(false)
    expect(bytes.includes(Buffer.from(sealed.new.ciphertext).subarray(-48, -16))).toBe(true)
  })
})

describe.each(BACKENDS)('sealed rows, on $name', ({ fresh: freshOne }) => {
  it('come back as they were, byte for byte, and are gone once they were wiped', async () => {
    const state = await freshOne()
    if (state.identity === undefined) throw new Error('no identity')
    const sealer = ageSealer(state.identity)
    await openOne(state, 'one')
    const held = await take(state, 'one')
    const sealed = { new: await seal(credential(), place, sealer), old: await seal(credential(), { ...place, name: 'old' }, sealer) }
    await append(state, held, [entry(2)], { sealed })
    for (const name of ['new', 'old'] as const) expect(Buffer.from((await readSealed(state.db, 'one', name))?.ciphertext ?? []).equals(Buffer.from(sealed[name].ciphertext))).toBe(true)
    await append(state, held, [entry(3)], { close: { result: 'rolled-back', wipe: ['new', 'old'] } })
    expect(await state.db.selectFrom('sealed').selectAll().execute()).toEqual([])
  })
})

function expectNoValue(bytes: Buffer, credentials: readonly Credential[]): void {
  for (const each of credentials) {
    const value = each.fields['password']?.reveal() ?? ''
    expect([...encodings(value)].filter((form) => bytes.includes(form))).toEqual([])
    expect(bytes.includes(Buffer.from(value, 'utf16le'))).toBe(false)
  }
}
