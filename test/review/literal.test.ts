import { describe, expect, it } from 'vitest'
import { environmentSchema } from '../../src/outside/process/index.ts'
import { generate, ALNUM } from '../../src/kit/generate.ts'
import { literalSecret } from '../../src/yaml/literal.ts'

const value = generate(ALNUM, 24)

// A plan, and with it the journal, holds the configuration as it is written: a literal secret would lie in both for ever (I11).
describe('a literal secret in the configuration', () => {
  it.each(['DEPLOY_TOKEN', 'PGPASSWORD_PASSWORD', 'API_KEY', 'AWS_SECRET_ACCESS_KEY', 'db_password'])('is refused in the environment of a command: %s', (name) => {
    expect(environmentSchema.safeParse({ [name]: value }).success).toBe(false)
    expect(environmentSchema.safeParse({ [name]: `\${env:${name}}` }).success).toBe(true)
  })

  it('is not seen in names and values that are none', () => {
    const env = { NODE_ENV: value, KEYBOARD: 'de', TOKEN_FILE: '/run/secrets/token', PASSWORD_MIN: '12', USE_TOKEN: 'true', EMPTY_TOKEN: '' }
    expect(environmentSchema.safeParse(env).success).toBe(true)
  })

  it('is refused in a query and in a word of a command line', () => {
    for (const text of [`https://api.example/hook?token=${value}`, `https://api.example/?a=1&api_key=${value}`, `--secret=${value}`, `DB_PASSWORD=${value}`]) {
      expect([text.includes(value), literalSecret(text)]).toEqual([true, 'a password'])
    }
    for (const text of ['https://api.example/hook?token=${env:TOKEN}', 'api_key={key}', 'monkey=1', 'tokens are counted']) expect(literalSecret(text)).toBeUndefined()
  })
})
