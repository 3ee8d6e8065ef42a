import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isEffect } from '../../../src/connectors/aws-iam/fake.ts'
import { openIssuer } from '../../../src/connectors/aws-iam/index.ts'
import { issuerSchema } from '../../../src/connectors/aws-iam/manifest.ts'
import type { Credential } from '../../../src/kit/issuer.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { type FaultyHttp, forwardTo, type HttpAsked, type HttpReply, startFaultyHttp } from '../../../src/testing/faulty-http.ts'
import { issuerSuite, type IssuerWorld } from '../../../src/testing/issuer.ts'
import { type Moto, startMoto } from '../../servers/moto.ts'
import { proving } from '../claims.ts'

interface Key {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

let moto: Moto
let iam: IAMClient
let admin: Key

/** What is asked before moto looks at signatures: the three requests that make the admin. */
const FREE = 3

const clientOf = (credentials: Key): IAMClient => new IAMClient({ endpoint: moto.url, region: 'us-east-1', maxAttempts: 1, credentials })

async function keyOf(client: IAMClient, UserName: string): Promise<Key> {
  const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }))
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' }
}

const policy = (Action: readonly string[]): string => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })

beforeAll(async () => {
  moto = await startMoto(FREE)
  const nobody = clientOf({ accessKeyId: 'nobody', secretAccessKey: 'nobody' })
  await nobody.send(new CreateUserCommand({ UserName: 'keyturn' }))
  await nobody.send(new PutUserPolicyCommand({ UserName: 'keyturn', PolicyName: 'all', PolicyDocument: policy(['*']) }))
  admin = await keyOf(nobody, 'keyturn')
  nobody.destroy()
  iam = clientOf(admin)
})
afterAll(async () => {
  iam.destroy()
  await moto.close()
})

const credentialOf = ({ accessKeyId, secretAccessKey }: Key): Credential => ({ id: accessKeyId, fields: { accessKeyId: new Secret(accessKeyId), secretAccessKey: new Secret(secretAccessKey) } })

function open(endpoint: string, user: string, as: Key) {
  const resolve = async (text: string): Promise<Secret> => new Secret(text === '${env:ID}' ? as.accessKeyId : as.secretAccessKey)
  const config = issuerSchema.parse({ endpoint, region: 'us-east-1', user, adminKey: '${env:ID}', adminSecret: '${env:SECRET}' })
  return openIssuer(config, { now: () => Date.now(), resolve, conceal: () => undefined })
}

let users = 0
async function freshUser(): Promise<{ readonly name: string; readonly key: Key }> {
  const name = `atlas${users += 1}`
  await iam.send(new CreateUserCommand({ UserName: name }))
  return { name, key: await keyOf(iam, name) }
}

/** moto lets inactive keys in; AWS answers InvalidClientTokenId. What stands before it does that, by what moto itself lists. */
function startFront(): Promise<FaultyHttp> {
  const [pass, inactive] = [forwardTo(moto.url), new Set<string>()]
  const answer = async (asked: HttpAsked): Promise<HttpReply> => {
    const by = /Credential=([^/]+)\//.exec(asked.headers.authorization ?? '')?.[1] ?? ''
    if (inactive.has(by)) {
      return { status: 403, headers: { 'content-type': 'text/xml' }, body: '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>' }
    }
    const reply = await pass(asked)
    const form = new URLSearchParams(asked.body.toString())
    const id = form.get('AccessKeyId') ?? ''
    if (form.get('Action') === 'UpdateAccessKey' && reply.status === 200) inactive[form.get('Status') === 'Inactive' ? 'add' : 'delete'](id)
    return reply
  }
  return startFaultyHttp({ answer, isEffect })
}

async function makeWorld(): Promise<IssuerWorld> {
  const [{ name, key }, sibling, front] = [await freshUser(), await freshUser(), await startFront()]
  let back: Promise<void> | undefined
  const issuer = () => {
    back = front.restart()
    return open(front.url, name, admin)
  }
  return {
    current: credentialOf(key), siblings: [credentialOf(sibling.key)],
    open: issuer,
    use: async (credential) => ({
      alive: async () => {
        const owner = credential.id === sibling.key.accessKeyId ? sibling.name : name
        const seen = await open(front.url, owner, admin).probe(credential, 'sts.us-east-1', callWithin(10_000))
        return seen.is === 'done' && seen.value.verdict === 'accepted'
      },
      close: async () => undefined,
    }),
    inject: async (fault) => {
      if (fault === 'full') await keyOf(iam, name)
      else await front.inject(fault)
    },
    close: async () => {
      await back
      await front.close()
    },
  }
}

issuerSuite(proving(() => ({ connector: 'aws-iam', as: 'issuer', strategy: 'overlap', on: `${moto.version}, which leaves inactive keys to the test` }), describe), 'aws-iam on moto', makeWorld)

describe('aws-iam on moto', () => {
  it('a new key is accepted, a deleted one is rejected in the words of STS, the second slot is the last (S3-65)', async () => {
    const { name, key } = await freshUser()
    const issuer = open(moto.url, name, admin)
    const current = credentialOf(key)
    const minted = await issuer.mint({ credential: issuer.propose(current), tag: 'a' }, callWithin(10_000))
    if (minted.is !== 'done') throw new Error(minted.is)
    const { credential } = minted.value
    expect(await issuer.probe(credential, 'sts.us-east-1', callWithin(10_000))).toEqual({ is: 'done', value: { verdict: 'accepted', code: '200' } })
    expect(await issuer.mint({ credential: issuer.propose(current), tag: 'b' }, callWithin(10_000))).toMatchObject({ is: 'refused', code: 'SLOTS_FULL', evidence: { code: 'LimitExceededException' } })
    expect(await issuer.set(current.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'done' })
    expect(await issuer.probe(current, 'sts.us-east-1', callWithin(10_000))).toEqual({ is: 'done', value: { verdict: 'rejected', code: 'InvalidClientTokenId' } })
  })

  it('a right that is missing is told from a wrong key', async () => {
    const { name, key } = await freshUser()
    const denied = await open(moto.url, name, key).preflight(credentialOf(key), 'pending', callWithin(10_000))
    expect(denied).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', evidence: { status: 403, code: 'AccessDenied' } })
    await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'keys', PolicyDocument: policy(['iam:ListAccessKeys', 'iam:CreateAccessKey']) }))
    const weak = open(moto.url, name, key)
    const minted = await weak.mint({ credential: weak.propose(credentialOf(key)), tag: 'a' }, callWithin(10_000))
    expect(minted.is).toBe('done')
    if (minted.is === 'done') expect(await weak.set(minted.value.credential.id, 'gone', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
    expect(await open(moto.url, name, { ...key, secretAccessKey: `${key.secretAccessKey}x` }).preflight(credentialOf(key), 'pending', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'ADMIN_REJECTED' })
  })

  it('an outage past the deadline is unknown, and the same call settles it afterwards', async () => {
    const { name, key } = await freshUser()
    const issuer = open(moto.url, name, admin)
    moto.pause()
    try {
      expect(await issuer.set(key.accessKeyId, 'off', callWithin(1_000))).toMatchObject({ is: 'unknown', code: 'DEADLINE' })
    } finally {
      moto.resume()
    }
    expect(await issuer.set(key.accessKeyId, 'off', callWithin(10_000))).toMatchObject({ is: 'done' })
    const seen = await issuer.observe(callWithin(10_000))
    expect(seen.is === 'done' && seen.value.known.map(({ id, state }) => [id, state])).toEqual([[key.accessKeyId, 'off']])
  })
})
