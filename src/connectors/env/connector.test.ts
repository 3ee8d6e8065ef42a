import { describe, expect, it } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import { referenceSuite } from '../../testing/reference.ts'
import { callWithin } from '../../testing/call.ts'
import { openReference } from './index.ts'
import { nameSchema } from './manifest.ts'

referenceSuite(proving({ connector: 'env', as: 'reference', on: 'real variables' }), 'env', () => {
  const env: Record<string, string> = {}
  return {
    reference: openReference({ env }),
    names: nameSchema,
    name: 'PG_ADMIN_URL',
    set: (value) => { env['PG_ADMIN_URL'] = value },
    absent: ['ABSENT', 'toString', '__proto__', 'npm_config_some-thing'],
    wrong: [' PG_ADMIN_URL', '$PG_ADMIN_URL', 'PG ADMIN', 'A=B', '1ST', 'A\0'],
    noticed: [],
    close: () => undefined,
  }
})

describe('${env:...}', () => {
  it('says whether the variable is missing or empty', async () => {
    const reference = openReference({ env: { EMPTY: '' } })
    expect(await reference.resolve('EMPTY', callWithin(1_000))).toMatchObject({ about: 'the environment variable is empty' })
    expect(await reference.resolve('ABSENT', callWithin(1_000))).toMatchObject({ about: 'the environment variable is not set' })
  })
})
