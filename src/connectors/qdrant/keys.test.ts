import { describe, expect, it } from 'vitest'
import { type Format, type Keys, readKeys, writeKeys } from './keys.ts'

describe('keys in a file', () => {
  it.each<[Format, string, Keys | undefined]>([
    ['env', 'A=1\nQDRANT__SERVICE__API_KEY=one\nexport QDRANT__SERVICE__ALT_API_KEY="two"\n', { api_key: 'one', alt_api_key: 'two' }],
    ['env', 'QDRANT__SERVICE__API_KEY=\nQDRANT__SERVICE__READ_ONLY_API_KEY=\'three\' # ours', { read_only_api_key: 'three' }],
    ['env', '# QDRANT__SERVICE__API_KEY=one\nMY_QDRANT__SERVICE__API_KEY=two\n', {}],
    ['env', 'QDRANT__SERVICE__API_KEY=one\nQDRANT__SERVICE__API_KEY=two\n', undefined],
    ['env', 'QDRANT__SERVICE__API_KEY=${OTHER}\n', undefined],
    ['yaml', 'log_level: INFO\nservice:\n    api_key: one # ours\n    # alt_api_key: none\n    jwt_rbac: true\nstorage:\n    api_key: other\n', { api_key: 'one' }],
    ['yaml', 'service:\n  api_key: null\n  alt_api_key: ~\n  read_only_api_key:\n', {}],
    ['yaml', 'service:\n  api_key: "one"\n  nested:\n    alt_api_key: two\n', { api_key: 'one' }],
    ['yaml', 'storage:\n  path: x\n', {}],
    ['yaml', 'service: { api_key: one }\n', undefined],
    ['yaml', 'service:\n  api_key: &key one\n', undefined],
    ['yaml', 'service:\n  api_key: |\n    one\n', undefined],
    ['yaml', 'service:\n  api_key: one\nservice:\n  api_key: two\n', undefined],
    ['env', 'A=1\r\nB=2\n', undefined],
  ])('%s %j', (format, text, keys) => {
    expect(readKeys(text, format)).toEqual(keys)
  })

  it.each<[Format, string, Keys, string]>([
    ['env', 'A=1\nQDRANT__SERVICE__API_KEY=one # ours\nB=2', { api_key: 'one', alt_api_key: 'two' }, 'A=1\nQDRANT__SERVICE__API_KEY=one # ours\nB=2\nQDRANT__SERVICE__ALT_API_KEY=two'],
    ['env', 'QDRANT__SERVICE__API_KEY=one\r\nQDRANT__SERVICE__ALT_API_KEY=two\r\n', { api_key: 'two' }, 'QDRANT__SERVICE__API_KEY=two\r\n'],
    ['env', '', { api_key: 'one' }, 'QDRANT__SERVICE__API_KEY=one\n'],
    ['yaml', 'service:\n    # ours\n    api_key: one\nstorage:\n  api_key: other\n', { api_key: 'one', alt_api_key: 'two' }, 'service:\n    alt_api_key: "two"\n    # ours\n    api_key: one\nstorage:\n  api_key: other\n'],
    ['yaml', 'log_level: INFO\n', { api_key: '123' }, 'log_level: INFO\nservice:\n  api_key: "123"\n'],
  ])('%s %j with %j', (format, text, keys, wanted) => {
    expect(writeKeys(text, format, keys)).toBe(wanted)
    expect(readKeys(writeKeys(text, format, keys) ?? '', format)).toEqual(keys)
  })
})
