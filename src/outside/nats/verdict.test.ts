import { describe, expect, it } from 'vitest'
import { isRejection } from './verdict.ts'

describe('what a server says to a login', () => {
  it.each([
    ["'Authorization Violation'", 'authorization-violation'],
    ["'User Authentication Expired'", 'user-authentication-expired'],
    ["'User Authentication Revoked'", 'user-authentication-revoked'],
    ["'Authentication Timeout'", undefined],
    ["'Account Authentication Expired'", undefined],
    ['maximum account active connections exceeded', undefined],
  ])('%s is %s: only a verdict on the credential rejects it', (said, verdict) => {
    expect(isRejection(new Error(said))).toBe(verdict)
  })
})
