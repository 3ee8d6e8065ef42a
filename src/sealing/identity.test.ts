import { createHash, verify } from 'node:crypto'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../test/fixture/state.ts'
import { createIdentity, identityPath, readIdentity } from './identity.ts'

describe('an identity file', () => {
  it('is made 0600 in a folder of its own, and read back as the same identity', async () => {
    const path = join(tempFolder(), 'deep', 'identity')
    const made = await createIdentity(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700)
    const read = await readIdentity(path)
    expect(
      [read.recipient, read.publicKey, read.fingerprint('a', 'b')]
    ).toEqual([made.recipient, made.publicKey, made.fingerprint('a', 'b')])
  })

  it('is never overwritten', async () => {
    const path = join(tempFolder(), 'identity')
    const made = await createIdentity(path)
    await expect(createIdentity(path)).rejects.toThrow(/EEXIST/)
    expect((await readIdentity(path)).recipient).toBe(made.recipient)
  })

  it('that is missing, holds no identity, or can be read by others is told apart', async () => {
    const folder = tempFolder()
    const path = join(folder, 'identity')
    await expect(readIdentity(path)).rejects.toMatchObject({ code: 'IDENTITY_MISSING', about: path })
    writeFileSync(path, 'nothing of the kind\n', { mode: 0o600 })
    await expect(readIdentity(path)).rejects.toMatchObject({ code: 'IDENTITY_WRONG' })
    await createIdentity(join(folder, 'good'))
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      chmodSync(join(folder, 'good'), mode)
      await expect(readIdentity(join(folder, 'good'))).rejects.toMatchObject({ code: 'IDENTITY_UNSAFE' })
    }
    chmodSync(join(folder, 'good'), 0o400)
    await expect(readIdentity(join(folder, 'good'))).resolves.toBeDefined()
  })

  it('lies where KEYTURN_IDENTITY says, else in the configuration folder of the user', () => {
    expect(identityPath({ KEYTURN_IDENTITY: '/safe/id', XDG_CONFIG_HOME: '/x' })).toBe('/safe/id')
    expect(identityPath({ XDG_CONFIG_HOME: '/x' })).toBe('/x/keyturn/identity')
  })
})

describe('a fingerprint', () => {
  it('is stable, differs between values, secrets and identities, and is 128 bits long', async () => {
    const folder = tempFolder()
    const [one, two] = [await createIdentity(join(folder, 'one')), await createIdentity(join(folder, 'two'))]
    expect(one.fingerprint('a', 'value')).toBe(one.fingerprint('a', 'value'))
    expect(one.fingerprint('a', 'value')).toMatch(/^kf:[\da-f]{32}$/)
    const others = [
      one.fingerprint('a', 'other'), one.fingerprint('b', 'value'), two.fingerprint('a', 'value'), one.fingerprint('av', 'alue'),
      one.fingerprint('', 'avalue'),
    ]
    expect(new Set([one.fingerprint('a', 'value'), ...others]).size).toBe(others.length + 1)
  })

  it('is no bare hash: nobody without the identity can make it from the value', async () => {
    const identity = await createIdentity(join(tempFolder(), 'identity'))
    const digits = identity.fingerprint('a', 'value').slice(3)
    for (const text of ['value', 'avalue', '1:avalue', 'a\0value', 'a:value']) {
      for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
        expect(createHash(algorithm).update(text).digest('hex')).not.toContain(digits)
      }
    }
  })
})

describe('the keys of an identity', () => {
  it('are one for each purpose, and the signing key fits its public one', async () => {
    const { sign } = await import('node:crypto')
    const identity = await createIdentity(join(tempFolder(), 'identity'))
    const text = Buffer.from('text')
    expect(verify(null, text, identity.publicKey, sign(null, text, identity.signingKey))).toBe(true)
    expect(identity.mac(text).slice(0, 32)).not.toBe(identity.fingerprint('', 'text').slice(3))
    expect(identity.publicKey).not.toContain('PRIVATE')
  })
})
