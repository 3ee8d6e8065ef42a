import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createUser, fmtCreds } from '@nats-io/jwt'
import { credsFormat } from './creds.ts'

const part = (): string => randomBytes(24).toString('base64url')
const jwt = (): string => [part(), part(), part()].join('.')

function made(): { readonly text: string; readonly jwt: string; readonly seed: string } {
  const [user, token] = [createUser(), jwt()]
  return { text: Buffer.from(fmtCreds(token, user)).toString(), jwt: token, seed: Buffer.from(user.getSeed()).toString() }
}

function put(text: string, key: string, value: string | null): string {
  const answer = credsFormat.put(Buffer.from(text, 'latin1'), key, value)
  return answer.is === 'done' ? answer.value.toString('latin1') : answer.is
}

function read(text: string): unknown {
  const answer = credsFormat.read(Buffer.from(text, 'latin1'), ['jwt', 'seed'])
  return answer.is === 'done' ? Object.fromEntries(answer.value) : answer
}

describe('a .creds file (S1-43)', () => {
  it('is read as the library of NATS writes it', () => {
    const { text, ...parts } = made()
    expect(read(text)).toEqual(parts)
    expect(read(text.replaceAll('\n', '\r\n'))).toEqual(parts)
  })

  it('gets another JWT and seed, and every other byte stays', () => {
    const [old, next] = [made(), made()]
    const words = old.text.replace('IMPORTANT', 'WICHTIG \xe9')
    const moved = put(put(words, 'jwt', next.jwt), 'seed', next.seed)
    expect(moved).toBe(words.replace(old.jwt, next.jwt).replace(old.seed, next.seed))
    expect(read(put(words, 'seed', null))).toEqual({ jwt: old.jwt })
  })

  it('takes no value that is none, and no file that has not both parts once', () => {
    const { text, seed } = made()
    expect([credsFormat.misread('jwt', jwt()), credsFormat.misread('seed', seed)]).toEqual([undefined, undefined])
    for (const [key, value] of [['jwt', 'a.b'], ['seed', seed.replace('SU', 'SA')], ['seed', ''], ['jwt', `${jwt()}\n`]] as const) expect(credsFormat.misread(key, value), value).toContain('it is no')
    for (const torn of ['', text.replace('END USER', 'END'), text.split('*')[0] ?? '', text + text]) expect(read(torn)).toMatchObject({ is: 'refused', code: 'STORE_UNFIT' })
  })
})
