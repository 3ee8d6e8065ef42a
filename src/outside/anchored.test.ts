import { describe, expect, it } from 'vitest'
import { anchoredSchema, isLike } from './anchored.ts'

describe('an anchored pattern', () => {
  it('describes the whole text, every alternative of it too', () => {
    expect(['SSH-2.0-x', 'x SSH-2.0-x', 'SSH-2.0-x\ny'].map((text) => isLike(text, 'SSH-2\\.0-.*'))).toEqual([true, false, false])
    expect(['a', 'b', 'ax', 'xb'].map((text) => isLike(text, 'a|b'))).toEqual([true, true, false, false])
  })

  it('is refused when it is none, or when any text is like it', () => {
    const said = (pattern: string): string | undefined => anchoredSchema.safeParse(pattern).error?.issues[0]?.message
    for (const pattern of ['(', 'a)(b', '\\', '[']) expect(said(pattern)).toBe('a regular expression of JavaScript')
    for (const pattern of ['.*', '.+', '(?:.|x)*', 'x*', '^$|x', '[^]']) expect(said(pattern)).toBe('what the text has to be: any text is like this one')
    for (const pattern of ['220 .*', '\\+PONG', '^CN=.+$', 'a|b']) expect(said(pattern)).toBeUndefined()
  })
})
