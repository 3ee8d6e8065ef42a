import { randomBytes, randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/index.ts'
import { Redactor } from '../redact/redact.ts'
import { createTracer } from './trace.ts'

const trace = createTracer(randomBytes(32))
const shapeOf = (value: string, key = 'KEY') => trace(key, value).shape

describe('the form of a value', () => {
  it.each([
    ['empty', ''],
    ['empty', '  '],
    ['placeholder', '<your key>'],
    ['placeholder', 'changeme'],
    ['placeholder', 'your-api-key-here'],
    ['placeholder', 'xxxxxxxx'],
    ['placeholder', 'postgres://app:changeme@db/app'],
    ['reference', '${OTHER}'],
    ['reference', '$OTHER'],
    ['reference', 'postgres://${USER}:${PASSWORD}@db/app'],
    ['reference', '{{ .Values.password }}'],
    ['private-key', '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----'],
    ['uuid', randomUUID()],
    ['number', '3000'],
    ['number', 'true'],
    ['plain', 'postgres'],
    ['plain', 'db:5432'],
    ['text', 'correct horse battery staple'],
  ])('%s: %s', (is, value) => {
    expect(shapeOf(value).is).toBe(is)
  })

  it('of random values is their alphabet and length, for a new one like it', () => {
    expect(shapeOf(randomBytes(32).toString('hex'))).toEqual({ is: 'hex', length: 64 })
    expect(shapeOf(`+${randomBytes(30).toString('base64').slice(1, 32)}aB1=`)).toMatchObject({ is: 'base64' })
    expect(shapeOf(`-_aB1${randomBytes(24).toString('base64url')}`)).toMatchObject({ is: 'base64url', length: 37 })
    expect(shapeOf(`aB1${randomBytes(12).toString('hex')}`)).toEqual({ is: 'alnum', length: 27 })
  })

  it('of a JWT, and of tokens that are certainly one provider\'s', () => {
    const part = (): string => Buffer.from(JSON.stringify({ a: randomUUID() })).toString('base64url')
    expect(shapeOf(`${part()}.${part()}.${randomBytes(32).toString('base64url')}`).is).toBe('jwt')
    expect(shapeOf(`sk_live_${randomBytes(12).toString('hex')}`)).toEqual({ is: 'token', provider: 'Stripe' })
    expect(shapeOf(`ghp_${randomBytes(18).toString('hex')}`)).toEqual({ is: 'token', provider: 'GitHub' })
    expect(shapeOf(`sk-${randomBytes(16).toString('hex')}`)).toEqual({ is: 'token' })
  })

  it('of a URL with a password has the user only as a plain name', () => {
    const password = randomBytes(12).toString('hex')
    expect(shapeOf(`postgresql+asyncpg://shop:${password}@db:5432/shop`)).toMatchObject({ is: 'login', scheme: 'postgresql+asyncpg', user: 'shop', hasUser: true })
    const random = shapeOf(`postgres://u9${randomBytes(12).toString('hex')}:${password}@db/shop`)
    expect(random).toMatchObject({ is: 'login', hasUser: true })
    expect(random).not.toHaveProperty('user')
    expect(shapeOf(`redis://:${password}@cache:6379/0`)).toMatchObject({ is: 'login', scheme: 'redis', hasUser: false })
    expect(shapeOf('https://example.org/path').is).toBe('text')
  })

  it('of a name is kept only under a key that says user', () => {
    expect(shapeOf('shop', 'POSTGRES_USER')).toEqual({ is: 'user', name: 'shop' })
    expect(shapeOf('shop', 'POSTGRES_PASSWORD')).toEqual({ is: 'plain' })
    for (const value of [`aB1${randomBytes(12).toString('hex')}`, `u9${randomBytes(12).toString('hex')}`, 'Shop Owner']) expect(shapeOf(value, 'POSTGRES_USER').is).not.toBe('user')
  })
})

describe('the mark of a value', () => {
  const value = randomBytes(16).toString('hex')

  it('is the same for the same value, also for the password in a URL', () => {
    const login = shapeOf(`postgres://shop:${value}@db/shop`)
    expect(trace('A', value).mark).toEqual(trace('B', value).mark)
    expect(login.is === 'login' ? login.password.id : undefined).toBe(trace('A', value).mark.id)
    expect(trace('A', `${value}x`).mark.id).not.toBe(trace('A', value).mark.id)
  })

  it('says when two places may hold it by chance', () => {
    expect(trace('A', 'postgres').mark.weak).toBe(true)
    expect(trace('A', 'password123').mark.weak).toBe(true)
    expect(trace('A', value).mark.weak).toBe(false)
  })

  it('tells an account from another: server and user together, whatever the password', () => {
    const login = (url: string) => {
      const shape = shapeOf(url)
      return shape.is === 'login' ? [shape.server, shape.account] : []
    }
    const one = login(`postgres://shop:${value}@db/shop`)
    expect(login('postgresql://shop:other@db/shop')).toEqual(one)
    expect(login(`postgres://reader:${value}@db/shop`)[0]).toBe(one[0])
    expect(login(`postgres://reader:${value}@db/shop`)[1]).not.toBe(one[1])
    expect(login(`postgres://shop:${value}@pooler:6432/shop`)[0]).not.toBe(one[0])
  })
})

it('a trace holds nothing of the value, in no encoding, but a user\'s plain name (S0-02)', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 8, maxLength: 80, unit: 'grapheme' }), fc.constantFrom('KEY', 'API_TOKEN', 'URL'), (value, key) => {
      const redactor = new Redactor()
      redactor.conceal(new Secret(value))
      const password = encodeURIComponent(value).replaceAll(/['()*!]/g, '_')
      const said = JSON.stringify([trace(key, value), trace(key, `postgres://shop:${password}@db/shop`), trace(key, `${key}=${value}`)])
      return !redactor.holds(said)
    }),
  )
})
