import { describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../kit/generate.ts'
import { Secret } from '../../kit/secret.ts'
import { fill, fillUrl, partsOf, placeholdersOf } from './template.ts'

const host = { resolve: async (text: string) => new Secret(text.replaceAll('${env:T}', 'resolved {token}')) }

describe('a template', () => {
  it('is filled with values, references and literal braces', async () => {
    const token = new Secret(generate(ALNUM, 32))
    const filled = await fill('a {{"k": "{token}", "r": "${env:T}"}}', { token }, host)
    expect(filled.reveal()).toBe(`a {"k": "${token.reveal()}", "r": "resolved {token}"}`)
  })

  it('replaces nothing in what a value brings in', async () => {
    const filled = await fill('{a}{b}', { a: new Secret('{b}'), b: new Secret('${env:T}') }, host)
    expect(filled.reveal()).toBe('{b}${env:T}')
  })

  it('names its placeholders, each once; references are none', () => {
    expect(placeholdersOf('{a} {b-1} {a} {{c}} ${env:d}')).toEqual(['a', 'b-1'])
  })

  it.each(['{', 'a}', '{a b}', '{}', '{a', '{{{a'])('has no form with the lone brace of %s', (text) => {
    expect(partsOf(text)).toBeUndefined()
  })

  it('asks for a value that it is not given', async () => {
    await expect(fill('{token}', {}, host)).rejects.toThrow(RangeError)
  })
})

describe('a URL', () => {
  it('is filled percent-encoded, so that an id stays one part of the path', () => {
    const filled = fillUrl('https://api.example/keys/{id}?by={tag}', { id: new Secret('a/b c?d#é'), tag: new Secret('x&y=z') })
    expect(filled).toBe('https://api.example/keys/a%2Fb%20c%3Fd%23%C3%A9?by=x%26y%3Dz')
  })

  it.each(['', '.', '..'])('is none with an id that would lead elsewhere: %j', (id) => {
    expect(fillUrl('https://api.example/keys/{id}', { id: new Secret(id) })).toBeUndefined()
  })
})
