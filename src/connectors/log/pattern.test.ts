import { assert, property, stringMatching } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkSchema } from './manifest.ts'
import { compile, compileRule, faultOf } from './pattern.ts'

describe('a pattern', () => {
  it('says how the line begins: a word alone is refused, for it is anywhere (C-28)', () => {
    for (const loose of ['auth', '401', 'auth|401|403', '^auth|401', '401|^auth', '(?:^auth)', String.raw`\^auth`, '[^a]uth', 'error$']) {
      expect(faultOf(loose), loose).toContain('`^` at the beginning')
    }
    for (const blind of ['^.*auth', '^.+401', '^(.*)auth', '^(?:.*)auth', '^ERROR|^.*auth', '^[^]*auth']) {
      expect(faultOf(blind), blind).toContain('how the line begins')
    }
    for (const broken of ['^(', '^[', String.raw`^\q`]) expect(faultOf(broken), broken).toBe('a regular expression of JavaScript')
    const anchored = ['^ERROR ', '^ERROR|^FATAL', String.raw`^\S+ (ERROR|FATAL) .*\bauth\b`, '^[|]x', String.raw`^a\|b`, '^(?:a|b)']
    for (const pattern of anchored) expect(faultOf(pattern), pattern).toBeUndefined()
  })

  it('does not match in the middle of a line, whatever was let through', () => {
    assert(
      property(stringMatching(/^\^[a-z]{1,4}(\|\^?[a-z]{1,4}){0,3}$/), stringMatching(/^[0-9]{1,8}[a-z]{0,8}$/), (pattern, text) => {
        return faultOf(pattern) !== undefined || !compile(pattern, false)(text)
      }),
    )
  })

  it('may be fields of a JSON line, each the exact value; other lines are not like it', () => {
    const denied = compile({ json: { status: 401, 'req.path': '/login' } }, false)
    expect(denied('{"status":401,"req":{"path":"/login"},"id":1}')).toBe(true)
    const others = ['{"status":"401","req":{"path":"/login"}}', '{"status":401}', '{"id":"401","req":{"path":"/login"}}', '{"status":401,', '401', '']
    for (const line of others) expect(denied(line), line).toBe(false)
    expect(compile({ json: { level: 'Error' } }, true)('{"level":"ERROR"}')).toBe(true)
    expect(compile({ json: { level: 'Error' } }, false)('{"level":"ERROR"}')).toBe(false)
  })
})

describe('a rule', () => {
  it('counts what is like one of its lines and like none of its exceptions (S2-13)', () => {
    const counts = compileRule({
      lines: ['^(?:WARN|ERROR) auth: ', { json: { status: 403 } }],
      except: ['^WARN auth: retrying$'],
      ignoreCase: true,
    })
    for (const bad of ['ERROR auth: refused', 'error AUTH: refused', '{"status":403}']) expect(counts(bad), bad).toBe(true)
    for (const harmless of ['WARN auth: retrying', 'INFO author saved', 'INFO request 401 done', 'INFO authenticated ok']) {
      expect(counts(harmless), harmless).toBe(false)
    }
  })

  const rule = { lines: '^ERROR ', example: 'ERROR x', atMost: 0 }
  const parse = (more: object, source: object = { file: 'app.log' }): boolean =>
    checkSchema.safeParse({ sources: [source], expect: { errors: { ...rule, ...more } } }).success

  it('with an upper bound shows by examples that each of its patterns can match (C-05)', () => {
    expect(parse({})).toBe(true)
    expect(parse({ example: undefined })).toBe(false)
    expect(parse({ example: 'EROR x' })).toBe(false)
    expect(parse({ example: ['ERROR x', 'INFO x'] })).toBe(false)
    expect(parse({ except: '^ERROR x$' })).toBe(false)
    expect(parse({ lines: ['^ERROR ', '^EROR '] })).toBe(false)
    expect(parse({ lines: ['^ERROR ', '^FATAL '], example: ['ERROR x', 'FATAL x'] })).toBe(true)
    expect(parse({ lines: { json: { level: 50 } }, example: '{"level":50}' })).toBe(true)
    expect(parse({ lines: { json: { level: 50 } }, example: '{"level":30}' })).toBe(false)
    expect(parse({ atMost: undefined, atMostMore: 0, example: undefined })).toBe(false)
    expect(parse({ atMost: undefined, atLeast: 1, example: undefined })).toBe(true)
    expect(parse({ atMost: undefined })).toBe(false)
  })

  it('and its source say nothing loose, and no reference in a command line (C-01)', () => {
    expect(parse({ lines: 'ERROR' })).toBe(false)
    expect(parse({ except: 'harmless' })).toBe(false)
    expect(parse({}, { file: 'app.log', prefix: 'app ' })).toBe(false)
    expect(parse({}, { run: ['docker', 'logs', '${env:TOKEN}'] })).toBe(false)
    expect(parse({}, { run: ['docker', 'logs', '--since', '{since}', 'app'] })).toBe(true)
  })
})
