import { describe, expect, it } from 'vitest'
import { failureOf } from './failure.ts'

const call = { signal: new AbortController().signal }

/** As the SDK throws it: the message may quote what it was given. */
function thrown(name: string, status?: number, more: object = {}, message = 'the value s3cr3t'): Error {
  return Object.assign(new Error(message), { name, ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }), ...more })
}

describe('what a client of AWS throws', () => {
  it.each([
    ['an error of the server', thrown('InternalServiceError', 500), 'unknown', 'SERVER_ERROR'],
    ['an error of the server with a name that means something else', thrown('InternalFailure', 503), 'unknown', 'SERVER_ERROR'],
    ['too many requests, by name', thrown('ThrottlingException', 400), 'refused', 'RATE_LIMITED'],
    ['too many requests, by status', thrown('Other', 429), 'refused', 'RATE_LIMITED'],
    ['a wrong key', thrown('InvalidClientTokenId', 403), 'refused', 'ADMIN_REJECTED'],
    ['a signature of another time', thrown('SignatureDoesNotMatch', 403, {}, 'Signature expired: 20260101T000000Z is now earlier than'), 'refused', 'CLOCK_WRONG'],
    ['a right that is missing', thrown('AccessDeniedException', 400), 'refused', 'RIGHTS_MISSING'],
    ['an error of the service that the caller knows', thrown('NoSuchEntityException', 404), 'refused', 'PRINCIPAL_MISSING'],
    ['anything else that the service refuses', thrown('ValidationException', 400), 'refused', 'REQUEST_REFUSED'],
    ['no connection', thrown('Error', undefined, { code: 'ECONNREFUSED' }), 'refused', 'UNREACHABLE'],
    ['a connection that was cut', thrown('Error', undefined, { code: 'ECONNRESET' }), 'unknown', 'UNREACHABLE'],
    ['a credential chain that gives nothing', thrown('CredentialsProviderError'), 'refused', 'ADMIN_REJECTED'],
  ])('%s', (_title, error, is, code) => {
    const answer = failureOf(error, 'atlas', call, { NoSuchEntityException: 'PRINCIPAL_MISSING' })
    expect(answer).toMatchObject({ is, code })
    expect(JSON.stringify(answer).includes('s3cr3t')).toBe(false)
  })

  it('is unknown when the deadline has passed by then: the request may have arrived', () => {
    expect(failureOf(thrown('AbortError'), 'atlas', { signal: AbortSignal.abort() })).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
  })
})
