import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ALNUM, generate } from '../../kit/generate.ts'
import type { Credential, Issuer } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { wrongOf } from '../../outside/http/index.ts'
import { callWithin } from '../../testing/call.ts'
import { openIssuer } from './index.ts'
import { issuerSchema } from './issuer-schema.ts'

interface Answered {
  readonly status: number
  readonly document?: unknown
}

const current: Credential = { id: 'api/atlas', fields: { token: new Secret(generate(ALNUM, 40)) } }

/** An acceptor whose answers depend on whether it is shown the current credential. */
async function within(says: (isCurrent: boolean, path: string) => Answered, body: (open: (probe?: object, more?: object) => Issuer) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const { status, document = {} } = says(request.headers['x-api-key'] === current.fields['token']?.reveal(), request.url ?? '')
    response.writeHead(status).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const open = (probe: object = {}, more: object = {}): Issuer => {
    const paths = 'paths' in probe && Array.isArray(probe.paths) ? probe.paths.map(String) : ['/me']
    const { paths: _, ...rest } = { paths, ...probe }
    const config = issuerSchema.parse({
      principal: 'api/atlas',
      strategy: 'in-place',
      fields: { token: 'secret' },
      traits: { value: 'chosen', mint: 'replaces', locate: 'value' },
      mint: { url: `${url}/token`, json: { token: '{token}' } },
      probe: { url: paths.map((path) => url + path), headers: { 'X-Api-Key': '{token}' }, ...rest },
      ...more,
    })
    return openIssuer(config, { base: '/', now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined })
  }
  try {
    await body(open)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

async function verdictOf(issuer: Issuer, credential = current): Promise<string> {
  const answer = await issuer.probe(credential, issuer.endpoints()[0] ?? '', callWithin(5_000))
  return answer.is === 'done' ? `${answer.value.verdict} ${answer.value.code}` : answer.is
}

describe('a probe', () => {
  it.each([
    [200, 'accepted 200'],
    [401, 'rejected 401'],
    [204, 'inconclusive 204'],
    [302, 'inconclusive 302'],
    [400, 'inconclusive 400'],
    [403, 'inconclusive 403'],
    [404, 'inconclusive 404'],
    [408, 'inconclusive 408'],
    [429, 'inconclusive 429'],
    [500, 'inconclusive 500'],
    [503, 'inconclusive 503'],
  ])('takes %i for %s: rejected is an authentication verdict and nothing else (I8)', async (status, wanted) => {
    await within(() => ({ status }), async (open) => expect(await verdictOf(open())).toBe(wanted))
  })

  it('tells by fields what the status does not: a token endpoint (S0-41)', async () => {
    const says = (isCurrent: boolean): Answered => ({ status: 400, document: { error: isCurrent ? 'invalid_grant' : 'invalid_client' } })
    const probe = { accepted: [{ status: 400, json: { error: 'invalid_grant' } }], rejected: [{ status: 400, json: { error: 'invalid_client' } }] }
    await within(says, async (open) => {
      expect(await verdictOf(open(probe))).toBe('accepted 400')
      expect(await verdictOf(open(probe), wrongOf({ token: 'secret' }, current))).toBe('rejected 400')
    })
    await within(() => ({ status: 400, document: { error: 'invalid_request' } }), async (open) => expect(await verdictOf(open(probe))).toBe('inconclusive 400'))
  })

  it('looks for a rejection first: an introspection that answers 200 either way', async () => {
    await within((isCurrent) => ({ status: 200, document: { active: isCurrent } }), async (open) => {
      const probe = { rejected: [{ status: 200, json: { active: false } }] }
      expect(await verdictOf(open(probe))).toBe('accepted 200')
      expect(await verdictOf(open(probe), wrongOf({ token: 'secret' }, current))).toBe('rejected 200')
    })
  })

  it('is made at each address by itself', async () => {
    await within((_, path) => ({ status: path === '/b' ? 401 : 200 }), async (open) => {
      const issuer = open({ paths: ['/a', '/b'] })
      const codes = issuer.endpoints().map(async (endpoint) => {
        const answer = await issuer.probe(current, endpoint, callWithin(5_000))
        return answer.is === 'done' ? answer.value.verdict : answer.is
      })
      expect(await Promise.all(codes)).toEqual(['accepted', 'rejected'])
    })
  })

  it('is no verdict where only consumers can tell', async () => {
    await within(() => ({ status: 200 }), async (open) => {
      const issuer = open({}, { probe: undefined, traits: { value: 'chosen', mint: 'replaces', locate: 'value', acceptor: 'consumers' } })
      expect(await verdictOf(issuer)).toBe('inconclusive consumers')
    })
  })
})

describe('preflight', () => {
  const refusal = async (issuer: Issuer): Promise<string> => {
    const answer = await issuer.preflight(current, current.id, callWithin(5_000))
    return answer.is === 'refused' ? answer.code : answer.is
  }

  it.each([
    ['is green when the probe can tell', (isCurrent: boolean) => (isCurrent ? 200 : 401), 'done'],
    ['finds a probe that lets everything in (I12, C-05)', () => 200, 'PROBE_MEANINGLESS'],
    ['finds a credential that is rejected', () => 401, 'CREDENTIAL_REJECTED'],
    ['finds a probe that gives no verdict on a wrong one', (isCurrent: boolean) => (isCurrent ? 200 : 403), 'PRECONDITION_FAILED'],
    ['finds a probe that gives no verdict on the right one', (isCurrent: boolean) => (isCurrent ? 500 : 401), 'PRECONDITION_FAILED'],
  ])('%s', async (_title, status, wanted) => {
    await within((isCurrent) => ({ status: status(isCurrent) }), async (open) => expect(await refusal(open())).toBe(wanted))
  })

  it('tells a reviewer what the provider cannot do', async () => {
    await within((isCurrent) => ({ status: isCurrent ? 200 : 401 }), async (open) => {
      const answer = await open().preflight(current, '', callWithin(5_000))
      expect(answer.is === 'done' && answer.value).toMatchObject({ fenced: false, notices: ['unfenced: the provider cannot tell an older owner from a newer one'] })
    })
  })
})
