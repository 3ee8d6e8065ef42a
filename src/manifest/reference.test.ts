import { describe, expect, it } from 'vitest'
import { registry } from '../../test/fixture/registry.ts'
import { hasReference, referencesOf, schemesOf } from './reference.ts'

describe('a reference in a text', () => {
  it('is a scheme and a name in braces after a dollar', () => {
    expect(referencesOf('a ${env:B} ${vault:c/d}').map(({ text, scheme, name, at }) => [text, scheme, name, at])).toEqual([
      ['${env:B}', 'env', 'B', 2],
      ['${vault:c/d}', 'vault', 'c/d', 11],
    ])
  })

  it('may have blanks, quotes and colons in its name, and no braces', () => {
    expect(referencesOf('${exec:op read "op://a/b c"}').map(({ name }) => name)).toEqual(['op read "op://a/b c"'])
    expect(referencesOf('${exec:jq {a}}')).toEqual([])
  })

  it('is none without a scheme', () => {
    expect(hasReference('${HOME} {password} $$')).toBe(false)
  })

  it('has the id of a connector that resolves references for a scheme', () => {
    expect(schemesOf(registry)).toEqual(['env', 'exec'])
  })
})
