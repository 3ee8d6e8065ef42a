import { describe, expect, it } from 'vitest'
import type { Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { callWithin } from '../../testing/call.ts'
import { mintWhole, suspectsOf } from '../../testing/issuer-acts.ts'
import { REFERENCE_ADMIN, type ReferenceIssuer } from '../../testing/reference-issuer.ts'
import type { ReferenceTraits } from '../../testing/reference-traits.ts'
import { referenceConfig, startReferenceIssuer } from './fake.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './issuer-schema.ts'

const MADE: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 3, ends: ['off', 'gone'] }

interface World {
  readonly server: ReferenceIssuer
  readonly current: Credential
  readonly concealed: Secret[]
  /** The issuer, with parts of its configuration put in another's place. */
  open(change?: (config: Record<string, unknown>) => object): Issuer
}

/** A reference issuer for one test. */
async function within(traits: ReferenceTraits, body: (world: World) => Promise<void>): Promise<void> {
  const server = await startReferenceIssuer(traits)
  const concealed: Secret[] = []
  const resolve = async (text: string): Promise<Secret> => {
    if (text.includes('${env:GONE}')) throw new KeyturnError('REFERENCE_UNRESOLVED', '${env:GONE}')
    return new Secret(text.replaceAll(`\${env:${REFERENCE_ADMIN}}`, server.env[REFERENCE_ADMIN]))
  }
  const host: Host = { base: '/', now: () => Date.now(), resolve, conceal: (secret) => void concealed.push(secret) }
  const open: World['open'] = (change = () => ({})) => {
    const { use: _, ...config } = referenceConfig(server, traits)
    return openIssuer(issuerSchema.parse({ ...config, ...change(config) }), host)
  }
  try {
    await body({ server, current: server.make(), concealed, open })
  } finally {
    await server.close()
  }
}

const call = (ms = 5_000): ReturnType<typeof callWithin> => callWithin(ms)
const intent = (issuer: Issuer, current: Credential, tag = 'attempt-1') => ({ credential: issuer.propose(current), tag })
const outcome = (answer: { readonly is: string; readonly code?: string }): string => `${answer.is} ${answer.code ?? ''}`.trim()

describe('a request', () => {
  it('carries the tag in an idempotency header, so that one that arrives twice acts once (X-05)', async () => {
    await within(MADE, async ({ server, current, open }) => {
      server.arm('duplicate')
      const safe = open(({ mint }) => ({ mint: { ...Object(mint), headers: { 'Idempotency-Key': '{tag}' } } }))
      expect(outcome(await safe.mint(intent(safe, current), call()))).toBe('done')
      expect(server.received.at(-1)?.headers['idempotency-key']).toBe('attempt-1')
      expect(server.keys.of('atlas')).toHaveLength(2)
    })
  })

  it('that arrives twice without one leaves an orphan, which its tag finds', async () => {
    await within(MADE, async ({ server, current, open }) => {
      server.arm('duplicate')
      const issuer = open()
      const answer = await issuer.mint(intent(issuer, current), call())
      const suspects = await suspectsOf(issuer, 'attempt-1', [])
      expect(suspects).toHaveLength(2)
      expect(answer.is === 'done' && suspects?.includes(answer.value.credential.id)).toBe(true)
    })
  })

  it('shows values in headers and bodies only, never in an address (I11)', async () => {
    await within({ value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: ['off', 'gone'] }, async ({ server, current, open }) => {
      const issuer = open()
      const next = intent(issuer, current)
      await issuer.mint(next, call())
      await issuer.probe(next.credential, issuer.endpoints()[0] ?? '', call())
      await issuer.set(current.id, 'gone', call())
      const values = [current, next.credential].map(({ fields }) => fields['token']?.reveal() ?? '')
      expect(server.received.map(({ path }) => path).filter((path) => values.some((value) => path.includes(value)))).toEqual([])
      expect(server.received.filter(({ operation, body }) => operation === 'mint' && values.some((value) => body.includes(value)))).toHaveLength(1)
    })
  })

  it('that probes shows nothing of the admin: the verdict is about the credential alone (I8)', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open(({ auth }) => ({ auth: { ...Object(auth), 'X-Admin': `\${env:${REFERENCE_ADMIN}}` } }))
      await issuer.observe(call())
      await issuer.probe(current, issuer.endpoints()[0] ?? '', call())
      const admin = server.env[REFERENCE_ADMIN]
      expect(server.received.map(({ operation, headers }) => [operation, JSON.stringify(headers).includes(admin)])).toEqual([['list', true], ['verify', false]])
    })
  })

  it('sends a form, and HTTP Basic', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open(({ probe }) => ({
        probe: { ...Object(probe), url: `${server.url}/work`, method: 'POST', headers: {}, basic: { user: 'a b', password: '{token}' }, form: { 'grant type': 'x&y', key: '{token}' } },
      }))
      await issuer.probe(current, issuer.endpoints()[0] ?? '', call())
      const token = current.fields['token']?.reveal() ?? ''
      expect(server.received.at(-1)?.headers).toMatchObject({
        authorization: `Basic ${Buffer.from(`a b:${token}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      })
      expect(server.received.at(-1)?.body).toBe(`grant+type=x%26y&key=${token}`)
    })
  })

  it('is refused before it is sent when a reference does not resolve or an id would lead elsewhere', async () => {
    await within(MADE, async ({ server, open }) => {
      const broken = open(() => ({ auth: { Authorization: 'Bearer ${env:GONE}' } }))
      expect(outcome(await broken.observe(call()))).toBe('refused REFERENCE_UNRESOLVED')
      for (const id of ['..', '.', '']) expect(outcome(await open().set(id, 'gone', call()))).toBe('refused MANIFEST_INVALID')
      expect(server.received).toEqual([])
    })
  })

  it('that ends a credential which was never made is not sent: the provider may have one of that name', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open()
      const { id } = issuer.propose(current)
      expect(outcome(await issuer.set(id, 'gone', call()))).toBe('done')
      expect(outcome(await issuer.set(id, 'off', call()))).toBe('refused PRINCIPAL_MISSING')
      expect(server.received).toEqual([])
    })
  })
})

describe('a mint', () => {
  it.each([
    ['cut', 'unknown UNREACHABLE', 1],
    ['answer-lost', 'unknown UNREACHABLE', 2],
    ['error-before', 'unknown SERVER_ERROR', 1],
    ['error-after', 'unknown SERVER_ERROR', 2],
    ['rate-limited', 'refused RATE_LIMITED', 1],
  ] as const)('that meets %s is %s, whatever happened (X-05, X-10)', async (fault, wanted, keys) => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open()
      server.arm(fault)
      expect(outcome(await issuer.mint(intent(issuer, current), call()))).toBe(wanted)
      expect(server.keys.of('atlas')).toHaveLength(keys)
    })
  })

  it('that nobody waits for any more is unknown at the deadline, and may land late', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open()
      server.arm('slow')
      expect(outcome(await issuer.mint(intent(issuer, current), call(200)))).toBe('unknown DEADLINE')
      await expect.poll(() => server.keys.of('atlas').length).toBe(2)
    })
  })

  it('is refused as full by what the provider declares, and rejected admins are told apart', async () => {
    await within(MADE, async ({ server, current, open }) => {
      server.keys.fill('atlas')
      const issuer = open()
      expect(outcome(await issuer.mint(intent(issuer, current), call()))).toBe('refused SLOTS_FULL')
      expect(outcome(await issuer.preflight(current, '', call()))).toBe('refused SLOTS_FULL')
      const stranger = open(() => ({ auth: { Authorization: 'Bearer x${env:NOBODY}' } }))
      expect(outcome(await stranger.mint(intent(stranger, current), call()))).toBe('refused ADMIN_REJECTED')
      expect(outcome(await stranger.preflight(current, '', call()))).toBe('refused ADMIN_REJECTED')
    })
  })

  it('is unknown when the answer does not hold what the manifest describes: a key is out there', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const answers = [{ id: 'key.id', fields: { token: 'key.secret' } }, { id: 'key.token', fields: { token: 'key.token' } }]
      for (const [index, answer] of answers.entries()) {
        const issuer = open(({ mint }) => ({ mint: { ...Object(mint), answer } }))
        expect(outcome(await issuer.mint(intent(issuer, current, `attempt-${index}`), call()))).toBe('unknown RESPONSE_UNFIT')
        expect(await suspectsOf(issuer, `attempt-${index}`, [])).toHaveLength(1)
      }
      expect(server.keys.of('atlas')).toHaveLength(3)
    })
  })

  it('masks what the provider made before anybody can print it', async () => {
    await within(MADE, async ({ current, concealed, open }) => {
      const issuer = open()
      const made = await mintWhole(issuer, intent(issuer, current))
      const token = made.is === 'done' ? made.value.fields['token'] : undefined
      expect(concealed.some((secret) => secret.equals(token))).toBe(true)
    })
  })

  it('gives a credential with a field `id`, which its stores carry', async () => {
    await within({ ...MADE, locate: 'baseline' }, async ({ current, open }) => {
      const issuer = open(() => ({ id: undefined, fields: { id: 'plain', token: 'secret' } }))
      const made = await mintWhole(issuer, intent(issuer, current))
      expect(made.is === 'done' && made.value.fields['id']?.reveal()).toBe(made.is === 'done' && made.value.id)
      expect(issuer.idOf({ token: new Secret('x') })).toBeUndefined()
    })
  })

  it('proposes a fresh id where ids are chosen too, and keeps the other plain fields', async () => {
    await within({ value: 'chosen', mint: 'adds', locate: 'value', slots: 2, ends: [] }, async ({ open }) => {
      const issuer = open(() => ({ id: undefined, fields: { id: 'plain', user: 'plain', token: 'secret' }, list: undefined }))
      const current = { id: 'a', fields: { id: new Secret('a'), user: new Secret('atlas'), token: new Secret(generate(ALNUM, 40)) } }
      const [one, two] = [issuer.propose(current), issuer.propose(current)]
      expect(one.id).toMatch(/^kt-[a-z0-9]{16}$/)
      expect(one.fields['id']?.reveal()).toBe(one.id)
      expect(two.id).not.toBe(one.id)
      expect(one.fields['user']?.reveal()).toBe('atlas')
      expect(one.fields['token']?.reveal()).toMatch(/^[A-Za-z0-9]{43}$/)
    })
  })
})

describe('a preflight', () => {
  it('finds that the credential in use is not the principal\'s, or is off', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open()
      expect(await issuer.preflight(current, '', call())).toMatchObject({ is: 'done', value: { evidence: { listed: 1, on: 1 } } })
      expect(await issuer.preflight(server.make('sibling'), '', call())).toMatchObject({ is: 'refused', code: 'CREDENTIAL_REJECTED' })
      await issuer.set(current.id, 'off', call())
      const off = await issuer.preflight(current, '', call())
      expect(off).toMatchObject({ is: 'refused', code: 'CREDENTIAL_REJECTED', about: `${current.id} is off at ${server.principal}` })
    })
  })
})

describe('a list', () => {
  it('that lags shows a lost credential later: absence counts only after the settling time', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open()
      server.keys.lag = 2
      server.arm('answer-lost')
      await issuer.mint(intent(issuer, current), call())
      const seen = [await suspectsOf(issuer, 'attempt-1', []), await suspectsOf(issuer, 'attempt-1', []), await suspectsOf(issuer, 'attempt-1', [])]
      expect(seen.map((suspects) => suspects?.length)).toEqual([0, 0, 1])
    })
  })

  it('of a provider that drops tags shows a lost credential as one that was not there before', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open()
      server.keys.untagged = true
      server.arm('answer-lost')
      await issuer.mint(intent(issuer, current), call())
      expect(await suspectsOf(issuer, 'attempt-1', [])).toEqual([])
      const seen = await issuer.observe(call())
      expect(seen.is === 'done' && seen.value.known.filter(({ id }) => id !== current.id).map(({ tag }) => tag)).toEqual([undefined])
    })
  })

  it('shows a use by others until it was long enough ago, and the probe is none (I6)', async () => {
    await within(MADE, async ({ server, current, open }) => {
      const issuer = open(({ list }) => ({ list: { ...Object(list), recent: '300ms' } }))
      const uses = async (): Promise<number | undefined> => {
        const seen = await issuer.observe(call())
        return seen.is === 'done' ? seen.value.known[0]?.uses.length : undefined
      }
      await issuer.probe(current, issuer.endpoints()[0] ?? '', call())
      expect(await uses()).toBe(0)
      expect(await server.use(current)).toBe(true)
      expect(await uses()).toBe(1)
      await expect.poll(uses).toBe(0)
    })
  })
})
