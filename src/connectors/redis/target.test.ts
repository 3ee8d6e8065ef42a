import { describe, expect, it } from 'vitest'
import { Secret } from '../../kit/index.ts'
import { readUrl } from './target.ts'

describe('the URL of the admin', () => {
  it('gives host, port, user, password and whether TLS is asked for', () => {
    const { password, ...rest } = readUrl(new Secret('rediss://keeper:p%40ss@cache-1:6380/3'))
    expect([password.reveal(), rest]).toEqual(['p@ss', { host: 'cache-1', port: 6380, user: 'keeper', tls: true }])
  })

  it('has a default user and a default port', () => {
    expect(readUrl(new Secret('redis://:secret@[::1]'))).toMatchObject({ host: '::1', port: 6379, user: 'default', tls: false })
  })

  it.each(['postgres://a:b@c', 'redis://a:b%zz@c', 'redis://keeper@c', 'nonsense'])('that is none is refused, and not quoted', (text) => {
    expect(() => readUrl(new Secret(text))).toThrow(expect.objectContaining({ code: 'REFERENCE_UNRESOLVED', about: expect.not.stringContaining(text) }))
  })
})
