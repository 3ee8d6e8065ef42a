import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../kit/answer.ts'
import { pemFormat } from './pem.ts'

function block(label: string, width = 64, headers = ''): string {
  const lines = randomBytes(96).toString('base64').match(new RegExp(`.{1,${width}}`, 'g')) ?? []
  return `-----BEGIN ${label}-----\n${headers}${lines.join('\n')}\n-----END ${label}-----`
}

function put(text: string, key: string, value: string | null): string {
  const answer = pemFormat.put(Buffer.from(text, 'latin1'), key, value)
  return answer.is === 'done' ? answer.value.toString('latin1') : whyOf(answer)
}

function read(text: string, key: string): string | undefined {
  const answer = pemFormat.read(Buffer.from(text, 'latin1'), [key])
  return answer.is === 'done' ? answer.value.get(key) : whyOf(answer)
}

function whyOf(answer: Answer<unknown>): string {
  return answer.is === 'refused' ? `${answer.code} ${answer.about ?? ''}` : answer.is
}

const [leaf, chain, key, next] = [block('CERTIFICATE'), block('CERTIFICATE'), block('PRIVATE KEY'), block('CERTIFICATE')]
const bundle = `Bag Attributes\n    localKeyID: 01 \xe9\n${leaf}\n\n# the chain\n${chain} \n${key}`

describe('a PEM block among others', () => {
  it('is found by its label, or by label and number where there are several', () => {
    expect(['PRIVATE KEY', 'PRIVATE KEY/1', 'CERTIFICATE/1', 'CERTIFICATE/2'].map((name) => read(bundle, name))).toEqual([key, key, leaf, chain])
    expect(['CERTIFICATE/3', 'KEY', 'EC PRIVATE KEY'].map((name) => read(bundle, name))).toEqual([undefined, undefined, undefined])
  })

  it('is replaced, and every other byte stays', () => {
    expect(put(bundle, 'CERTIFICATE/2', next)).toBe(bundle.replace(chain, next))
    expect(put(bundle, 'CERTIFICATE/1', next)).toBe(bundle.replace(leaf, next))
  })

  it('keeps how its lines end, and is read with LF', () => {
    const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
    expect(read(crlf(bundle), 'PRIVATE KEY')).toBe(key)
    expect(put(crlf(bundle), 'CERTIFICATE/1', next)).toBe(crlf(bundle.replace(leaf, next)))
    const mixed = `${crlf(leaf)}\r\n${key}\n`
    expect(put(mixed, 'PRIVATE KEY', block('PRIVATE KEY')).split('\r\n').length).toBe(mixed.split('\r\n').length)
  })

  it('is added at the end with the next number, and goes with its line', () => {
    const more = put(bundle, 'CERTIFICATE/3', next)
    expect(more).toBe(`${bundle}\n${next}\n`)
    expect(put(more, 'CERTIFICATE/3', null)).toBe(`${bundle}\n`)
    expect(put('', 'PRIVATE KEY', key)).toBe(`${key}\n`)
    expect(put(bundle, 'EC PRIVATE KEY', null)).toBe(bundle)
  })

  it('has headers when it is an old encrypted key, and lines of any width', () => {
    const old = block('RSA PRIVATE KEY', 64, 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n')
    const wide = block('RSA PRIVATE KEY', 200)
    expect(read(`${old}\n`, 'RSA PRIVATE KEY')).toBe(old)
    expect(pemFormat.misread('RSA PRIVATE KEY', wide)).toBeUndefined()
  })

  it('is not meant by a label alone when several have it', () => {
    const why = 'STORE_UNFIT 2 blocks have the label CERTIFICATE: say which, CERTIFICATE/1 to CERTIFICATE/2'
    expect(read(bundle, 'CERTIFICATE')).toBe(why)
    expect(put(bundle, 'CERTIFICATE', next)).toBe(why)
  })

  it('is not made with a gap before it, nor taken away so that others move', () => {
    expect(put(bundle, 'CERTIFICATE/4', next)).toBe('STORE_UNFIT CERTIFICATE/4 cannot be made: 2 blocks have its label')
    expect(put(bundle, 'CERTIFICATE/1', null)).toBe('STORE_UNFIT CERTIFICATE/1 cannot be taken away: another block would get its number')
  })
})

describe('a file with a block that is not whole', () => {
  it.each([
    ['no end', leaf.slice(0, -30)],
    ['no beginning', leaf.slice(5)],
    ['another end', leaf.replace('END CERTIFICATE', 'END KEY')],
    ['one in another', leaf.replace('\n', `\n${chain}\n`)],
  ])('is refused: %s', (_why, text) => {
    expect(read(`${key}\n${text}\n`, 'PRIVATE KEY')).toBe('STORE_UNFIT a PEM block in it has no end, no beginning or another form')
  })

  it('is not read where the data of our block is none', () => {
    expect(read(key.replace(/\n[\w+/=]{8}/, '\n????????'), 'PRIVATE KEY')).toMatch(/^VALUE_UNREADABLE PRIVATE KEY: it is not one PEM block/)
  })
})

describe('a value that not every reader would take for this block', () => {
  const one = 'it is not one PEM block, from its BEGIN to its END and nothing after it'
  it.each([
    ['another label', chain.replaceAll('CERTIFICATE', 'PUBLIC KEY'), 'it is a block with the label PUBLIC KEY'],
    ['two blocks', `${leaf}\n${chain}`, one],
    ['a line end behind it', `${leaf}\n`, one],
    ['CRLF', leaf.replaceAll('\n', '\r\n'), one],
    ['text', 'secret', one],
    ['no data', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----', one],
    ['cut data', leaf.replace(/.(?=\n-----END)/, ''), 'its data is no base64'],
  ])('is refused: %s', (_what, value, why) => {
    expect(pemFormat.misread('CERTIFICATE/2', value)).toBe(why)
  })

  it('has a key that is a label in capitals', () => {
    expect(['CERTIFICATE', 'CERTIFICATE/1', 'CERTIFICATE/12'].map(pemFormat.place)).toEqual(['CERTIFICATE/1', 'CERTIFICATE/1', 'CERTIFICATE/12'])
    expect(['certificate', 'CERTIFICATE/0', 'CERTIFICATE/', '/2', '', '-----BEGIN X'].map(pemFormat.place)).toEqual(Array.from({ length: 6 }))
  })
})
