import { describe, expect, it } from 'vitest'
import { Lines } from './lines.ts'
import { leadingTime, readTime } from './stamp.ts'

const at = Date.UTC(2026, 0, 31, 12, 0, 5)

describe('the time of a line', () => {
  it('is read in every common form; what is not exact is the last moment that it may mean', () => {
    const forms: readonly (readonly [string, number])[] = [
      ['2026-01-31T12:00:05.123Z', at + 123],
      ['2026-01-31T12:00:05.123456789Z', at + 123],
      ['2026-01-31T12:00:05Z', at + 999],
      ['2026-01-31T12:00:05.5Z', at + 599],
      ['2026-01-31 12:00:05,042 UTC', at + 42],
      ['2026-01-31T14:00:05.001+02:00', at + 1],
      ['2026-01-31T06:30:05.001-0530', at + 1],
      ['31/Jan/2026:13:00:05 +0100', at + 999],
      [String(at), at],
      [String(at / 1000), at + 999],
      [`${at / 1000}.25`, at + 259],
    ]
    for (const [text, time] of forms) expect(readTime(text, undefined), text).toBe(time)
  })

  it('is none where the zone is not said, unless the configuration says it', () => {
    expect(readTime('2026-01-31 12:00:05.000', undefined)).toBeUndefined()
    expect(readTime('2026-01-31 12:00:05.000', 'utc')).toBe(at)
    expect(readTime('2026-01-31 12:00:05.000', 'local')).toBe(new Date(2026, 0, 31, 12, 0, 5).getTime())
  })

  it('is none in other text', () => {
    for (const text of ['', 'soon', '2026-13-45T12:00:05Z', '12345', '31/Foo/2026:13:00:05 +0100', '2026-01-31']) {
      expect(readTime(text, 'utc'), text).toBeUndefined()
    }
  })

  it('stands at the beginning', () => {
    expect(leadingTime('[2026-01-31T12:00:05.000Z] ERROR', undefined)).toBe(at)
    expect(leadingTime('time="2026-01-31T12:00:05.000Z" level=error', undefined)).toBe(at)
    expect(leadingTime('2026-01-31 12:00:05.000 +00:00 ERROR', undefined)).toBe(at)
    expect(leadingTime('seen first at 2026-01-31T12:00:05.000Z', undefined)).toBeUndefined()
    expect(leadingTime('2026-01-31 12:00:05 ERROR', undefined)).toBeUndefined()
  })
})

describe('lines', () => {
  const cut = (pieces: readonly (string | Buffer)[]): string[] => {
    const found: string[] = []
    const lines = new Lines((line) => found.push(line))
    for (const piece of pieces) lines.push(Buffer.from(piece))
    lines.end()
    return found
  }

  it('are whole, wherever the pieces are cut, also within a character', () => {
    const bytes = Buffer.from('ärger\nübel\r\n\nlast')
    for (let place = 0; place <= bytes.length; place += 1) {
      expect(cut([bytes.subarray(0, place), bytes.subarray(place)])).toEqual(['ärger', 'übel', '', 'last'])
    }
  })

  it('begin with their text, not with the colours of a terminal', () => {
    expect(cut(['\u001b[31mERROR\u001b[0m x\n'])).toEqual(['ERROR x'])
  })

  it('of any length do not fill the memory', () => {
    const [long, next] = cut(['ERROR ', 'x'.repeat(1_000_000), 'y'.repeat(1_000_000), '\nnext\n'])
    expect(long).toHaveLength(16 * 1024)
    expect(next).toBe('next')
  })
})
