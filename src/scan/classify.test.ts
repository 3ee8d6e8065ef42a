import { describe, expect, it } from 'vitest'
import { classify } from './classify.ts'
import type { Shape } from './trace.ts'

const hex: Shape = { is: 'hex', length: 64 }
const mark = { id: 1, weak: false }

describe('a key by its name', () => {
  it.each([
    ['SESSION_SECRET', 'self-made'], ['ATLAS_BFF_SESSION_SECRET', 'self-made'], ['COOKIE_KEY', 'self-made'], ['NEXTAUTH_SECRET', 'self-made'], ['AUTH_SECRET', 'self-made'],
    ['SECRET_KEY_BASE', 'self-made'], ['DJANGO_SECRET_KEY', 'self-made'], ['SECRET_KEY', 'self-made'],
    ['JWT_SECRET', 'self-made'], ['JWT_REFRESH_SECRET', 'self-made'], ['jwtSecret', 'self-made'], ['REFRESH_TOKEN_SECRET', 'self-made'],
    ['CSRF_SECRET', 'self-made'], ['INTERNAL_API_KEY', 'self-made'], ['INTERNAL_TOKEN', 'self-made'],
    ['API_KEY', 'unknown'], ['ADMIN_TOKEN', 'unknown'], ['APP_SECRET', 'unknown'], ['WEBHOOK_SECRET', 'unknown'], ['API_KEY_LIVE', 'unknown'], ['SIGNING_SECRET_2', 'unknown'], ['RELAX_TOKEN_SCOPE', 'no-secret'], ['SIGNING_SECRET', 'unknown'], ['OAUTH_CLIENT_SECRET', 'unknown'],
    ['ENCRYPTION_KEY', 'stored-data'], ['RAILS_MASTER_KEY', 'stored-data'], ['FERNET_KEY', 'stored-data'], ['PASSWORD_SALT', 'stored-data'], ['APP_KEY', 'stored-data'],
    ['JWT_PRIVATE_KEY', 'key-pair'],
    ['PORT', 'no-secret'], ['DATABASE_URL', 'no-secret'], ['JWT_PUBLIC_KEY', 'no-secret'], ['JWT_EXPIRES_IN', 'no-secret'], ['ACCESS_TOKEN_TTL', 'no-secret'], ['TOKEN_URL', 'no-secret'],
    ['KEYSTONE_MACHINE_KEY_FILE', 'no-secret'], ['STRIPE_PUBLISHABLE_KEY', 'no-secret'], ['NEXT_PUBLIC_API_KEY', 'no-secret'], ['CACHE_KEY', 'no-secret'], ['LLM_MAX_TOKENS', 'no-secret'], ['AWS_REGION', 'no-secret'],
    ['AWS_ACCESS_KEY_ID', 'no-secret'], ['COMPASS', 'no-secret'], ['KEYBOARD', 'no-secret'], ['PWD', 'no-secret'], ['TOKENIZER', 'no-secret'],
  ])('%s is %s', (key, is) => {
    expect(classify(key).is).toBe(is)
  })

  it.each([
    ['STRIPE_SECRET_KEY', 'Stripe'], ['STRIPE_WEBHOOK_SECRET', 'Stripe'], ['OPENAI_API_KEY', 'OpenAI'], ['AZURE_OPENAI_API_KEY', 'Azure'], ['AWS_SECRET_ACCESS_KEY', 'Amazon Web Services'],
    ['MY_GITHUB_TOKEN', 'GitHub'], ['TELEGRAM_BOT_TOKEN', 'Telegram'], ['SLACK_WEBHOOK_URL', 'Slack'],
  ])('%s is made by %s', (key, provider) => {
    expect(classify(key)).toEqual({ is: 'provider', provider })
  })

  it.each([
    ['POSTGRES_PASSWORD', 'PostgreSQL'], ['PGPASSWORD', 'PostgreSQL'], ['NEO4J_DB_PASSWORD', 'Neo4j'], ['REDIS_PASSWORD', 'Redis'], ['SMTP_PASS', 'the mail server'], ['DB_PASSWORD', undefined],
  ])('%s is the login of %s', (key, server) => {
    expect(classify(key)).toEqual({ is: 'login', ...(server === undefined ? {} : { server }) })
  })
})

describe('a key by the form of its value', () => {
  it('is a login where a URL has a password, whatever its name', () => {
    const login: Shape = { is: 'login', scheme: 'postgresql+asyncpg', hasUser: true, password: mark, server: 1, account: 1 }
    expect(classify('WHERE', login)).toEqual({ is: 'login', server: 'PostgreSQL' })
    expect(classify('WHERE', { ...login, scheme: 'gopher' })).toEqual({ is: 'login' })
  })

  it('is the provider\'s where the token says so, before the name does', () => {
    expect(classify('SECRET_KEY', { is: 'token', provider: 'Stripe' })).toEqual({ is: 'provider', provider: 'Stripe' })
    expect(classify('JWT_SECRET', { is: 'token' })).toEqual({ is: 'unknown' })
    expect(classify('SESSION_KEY', { is: 'private-key' })).toEqual({ is: 'key-pair' })
    expect(classify('JWT_SECRET', { is: 'jwt' })).toEqual({ is: 'unknown' })
  })

  it('is none where it is a number or a switch, unless it is a password', () => {
    expect(classify('USE_TOKEN', { is: 'number' })).toEqual({ is: 'no-secret' })
    expect(classify('DB_PASSWORD', { is: 'number' })).toEqual({ is: 'login' })
  })

  it('is perhaps one where it looks random and the name says nothing, unless such names have such values', () => {
    expect(classify('MACHINE', hex)).toEqual({ is: 'perhaps' })
    for (const key of ['GIT_SHA', 'IMAGE_DIGEST', 'BUILD_ID', 'RELEASE', 'NEXT_PUBLIC_MACHINE']) expect(classify(key, hex).is).toBe('no-secret')
    expect(classify('MACHINE', { is: 'text' }).is).toBe('no-secret')
  })
})
