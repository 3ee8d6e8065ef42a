import { describe, expect, it } from 'vitest'
import { callWithin } from '../../testing/call.ts'
import { ask, placeOf } from './api.ts'
import { type Reply, startFront } from './fake.ts'

async function answerTo(reply: Reply) {
  const front = await startFront(() => reply)
  try {
    return await ask({ address: front.url }, { method: 'POST', path: 'secret/data/atlas', body: {} }, callWithin(5_000))
  } finally {
    await front.close()
  }
}

const errors = (...all: string[]): string => JSON.stringify({ errors: all })

describe('what Vault answers', () => {
  it.each([
    [200, '{}', 'done', undefined],
    [204, '', 'done', undefined],
    [307, '', 'refused', 'UNREACHABLE'],
    [400, errors('missing path'), 'refused', 'REQUEST_REFUSED'],
    [403, errors('permission denied'), 'refused', 'RIGHTS_MISSING'],
    [403, errors('2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'), 'refused', 'ADMIN_REJECTED'],
    [404, errors(), 'refused', 'PRINCIPAL_MISSING'],
    [405, errors('unsupported operation'), 'refused', 'REQUEST_REFUSED'],
    [408, '', 'unknown', 'SERVER_ERROR'],
    [412, errors('required index state not present'), 'refused', 'UNREACHABLE'],
    [429, errors('rate limit quota exceeded'), 'refused', 'RATE_LIMITED'],
    [500, errors('internal error'), 'unknown', 'SERVER_ERROR'],
    [502, '<html>', 'unknown', 'SERVER_ERROR'],
    [503, errors('Vault is sealed'), 'refused', 'UNREACHABLE'],
    [503, errors('upstream'), 'unknown', 'SERVER_ERROR'],
  ] as const)('%i %s is %s %s', async (status, body, is, code) => {
    expect(await answerTo({ status, body })).toMatchObject({ is, ...(code === undefined ? {} : { code }) })
  })

  it('is never passed on: an error may repeat what was sent', async () => {
    const answer = await answerTo({ status: 400, body: errors('bad value "hunter2"') })
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  })

  it('comes from one place, whichever way the address is written', () => {
    expect(placeOf({ address: 'https://Vault.example' })).toBe(placeOf({ address: 'https://vault.example:443/' }))
    expect(placeOf({ address: 'http://[::1]:8200' })).toBe('[::1]:8200')
  })
})
