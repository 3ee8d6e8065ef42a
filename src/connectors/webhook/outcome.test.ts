import { describe, expect, it } from 'vitest'
import { type HttpResponse, isOneOf } from '../../outside/http/index.ts'
import { outcomeOf } from './outcome.ts'
import { refusalSchema } from './refusal.ts'

const answer = (status: number, document: unknown = {}): HttpResponse => ({ status, text: JSON.stringify(document), complete: true, took: 1 })
const said = (status: number, document?: unknown, means: Parameters<typeof outcomeOf>[1] = { refusals: [] }): string => {
  const outcome = outcomeOf(answer(status, document), means, 'api.example')
  return outcome.is === 'refused' || outcome.is === 'unknown' ? `${outcome.is} ${outcome.code}` : outcome.is
}

describe('what an answer means', () => {
  it.each([
    [200, 'done'],
    [201, 'done'],
    [204, 'done'],
    [301, 'unknown SERVER_ERROR'],
    [303, 'unknown SERVER_ERROR'],
    [400, 'refused REQUEST_REFUSED'],
    [401, 'refused ADMIN_REJECTED'],
    [403, 'refused RIGHTS_MISSING'],
    [404, 'refused PRINCIPAL_MISSING'],
    [408, 'unknown SERVER_ERROR'],
    [409, 'refused CONFLICT'],
    [422, 'refused REQUEST_REFUSED'],
    [429, 'refused RATE_LIMITED'],
    [500, 'unknown SERVER_ERROR'],
    [502, 'unknown SERVER_ERROR'],
    [504, 'unknown SERVER_ERROR'],
  ])('%i is %s where nothing is declared (X-10)', (status, wanted) => {
    expect(said(status)).toBe(wanted)
  })

  it('is a declared refusal by status and fields, the first that fits', () => {
    const refusals = [
      { status: 422, json: { 'error.code': 'max_keys' }, code: 'SLOTS_FULL' },
      { status: 422, code: 'RIGHTS_MISSING' },
    ] as const
    expect(said(422, { error: { code: 'max_keys' } }, { refusals })).toBe('refused SLOTS_FULL')
    expect(said(422, { error: { code: 'other' } }, { refusals })).toBe('refused RIGHTS_MISSING')
    expect(said(400, { error: { code: 'max_keys' } }, { refusals })).toBe('refused REQUEST_REFUSED')
  })

  it('is done when it says that it is so already', () => {
    expect(said(404, {}, { already: [404, 410], refusals: [] })).toBe('done')
    expect(said(409, { state: 'disabled' }, { already: [{ status: 409, json: { state: 'disabled' } }], refusals: [] })).toBe('done')
    expect(said(409, { state: 'busy' }, { already: [{ status: 409, json: { state: 'disabled' } }], refusals: [] })).toBe('refused CONFLICT')
  })

  it('tells status and address, nothing of the body', () => {
    expect(outcomeOf(answer(403, { why: 'words of the server' }), { refusals: [] }, 'api.example')).toEqual({
      is: 'refused',
      code: 'RIGHTS_MISSING',
      about: 'api.example',
      evidence: { status: 403 },
    })
  })
})

describe('a matcher', () => {
  it('finds no field in a body that is none', () => {
    const matcher = { status: 200, json: { active: false } }
    expect(isOneOf([matcher], answer(200, { active: false }))).toBe(true)
    expect(isOneOf([matcher], { status: 200, text: '{"active": fal' })).toBe(false)
    expect(isOneOf([matcher], answer(200, {}))).toBe(false)
    expect(isOneOf([], answer(200))).toBe(false)
  })

  it('declares no refusal where something may have happened', () => {
    for (const status of [200, 302, 408, 500, 503]) expect(refusalSchema.safeParse({ status, code: 'SLOTS_FULL' }).success).toBe(false)
  })
})
