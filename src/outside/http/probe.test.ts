import { describe, expect, it } from 'vitest'
import { Secret } from '../../kit/secret.ts'
import { wrongOf } from './probe.ts'

describe('a wrong credential', () => {
  it('differs in one character of the same kind, and keeps what is no secret', () => {
    for (const token of ['sk-ABCdef123', '1', 'aaaa', '----', 'ref_abc_Zz9']) {
      const wrong = wrongOf({ user: 'plain', token: 'secret' }, { id: 'p', fields: { user: new Secret('atlas'), token: new Secret(token) } })
      const text = wrong.fields['token']?.reveal() ?? ''
      expect(text).not.toBe(token)
      expect(wrong.fields['user']?.reveal()).toBe('atlas')
      if (/\w/.test(token)) expect([...text].filter((character, at) => character !== token[at])).toHaveLength(1)
    }
  })
})
