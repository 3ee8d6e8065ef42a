import { describe, expect, it } from 'vitest'
import type { Answer } from '../../kit/answer.ts'
import { wholeFormat } from './whole.ts'

function put(text: string, value: string | null, exact = false): string {
  const answer = wholeFormat(exact).put(Buffer.from(text), 'content', value)
  return answer.is === 'done' ? answer.value.toString() : whyOf(answer)
}

function read(text: string | Buffer, exact = false): string | undefined {
  const answer = wholeFormat(exact).read(Buffer.from(text), ['content'])
  return answer.is === 'done' ? answer.value.get('content') : whyOf(answer)
}

function whyOf(answer: Answer<unknown>): string {
  return answer.is === 'refused' ? `${answer.code} ${answer.about ?? ''}` : answer.is
}

const trimmed = 'it begins or ends with white space, which some readers trim; `exact: true` keeps it'

describe('a file that is one value', () => {
  it('keeps its last line end, or that it has none, and a byte order mark', () => {
    for (const [head, tail] of [['', ''], ['', '\n'], ['', '\r\n'], ['\ufeff', '\n']]) {
      expect(read(`${head}old${tail}`)).toBe('old')
      expect(put(`${head}old${tail}`, 'new')).toBe(`${head}new${tail}`)
    }
  })

  it('holds a document of many lines (S0-44)', () => {
    const document = '{\n  "type": "serviceaccount",\n  "key": "-----BEGIN\\n"\n}'
    expect(read(`${document}\n`)).toBe(document)
    expect(put('old', document)).toBe(document)
  })

  it('is absent when it is empty', () => {
    expect(['', '\n'].map((text) => read(text))).toEqual([undefined, undefined])
    expect(put('old\n', null)).toBe('\n')
    expect(put('', 'new')).toBe('new')
  })

  it('refuses a value that readers would trim, a zero byte and half a character', () => {
    const { misread } = wholeFormat(false)
    expect([' x', 'x\n', '\tx', 'x\u00a0'].map((value) => misread('content', value))).toEqual([trimmed, trimmed, trimmed, trimmed])
    expect(misread('content', 'a\0b')).toBe('it holds a zero byte')
    expect(misread('content', 'a\udc00b')).toBe('it is no valid Unicode text')
    expect(read('old\n\n')).toBe(`VALUE_UNREADABLE content: ${trimmed}`)
  })

  it('is every byte of the file when it is meant exactly', () => {
    for (const text of ['\ufeffold \n\n', '\n', 'a\0b']) {
      expect(read(text, true)).toBe(text)
      expect(put('old\n', text, true)).toBe(text)
      expect(wholeFormat(true).misread('content', text)).toBeUndefined()
    }
    expect(wholeFormat(true).misread('content', '\ud800')).toBe('it is no valid Unicode text')
  })

  it('refuses bytes that are no text', () => {
    expect(read(Buffer.from([0x66, 0xff]))).toBe('STORE_UNFIT it is no UTF-8 text')
    expect(wholeFormat(false).place('password')).toBeUndefined()
  })
})
