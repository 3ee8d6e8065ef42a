import { expect, it } from 'vitest'
import { wordsOf } from './words.ts'

it('shows one short line without what could be a value', () => {
  expect(wordsOf('no key could decrypt secret (password)')).toBe('no key could decrypt secret (password)')
  expect(wordsOf("kustomization path not found: stat /tmp/kustomization-812/clusters/production: no such file\nand more")).toBe('kustomization path not found: stat /tmp/kustomization-812/clusters/production: no such file')
  expect(wordsOf(`invalid value "${'s3cr3tS3cr3t'.repeat(4)}" in data`)).toBe('invalid value "…" in data')
  expect(wordsOf(`a\u0007b ${'x '.repeat(200)}`)).toHaveLength(200)
})
