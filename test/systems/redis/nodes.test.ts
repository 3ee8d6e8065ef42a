import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../demo/until.ts'
import { openIssuer } from '../../../src/connectors/redis/index.ts'
import { issuerSchema } from '../../../src/connectors/redis/manifest.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { type Credential, type Issuer, Secret } from '../../../src/kit/index.ts'
import { intentOf, testCall } from '../../../src/testing/issuer-acts.ts'
import { certify } from '../../fixture/certificates.ts'
import { loginOf, makeUser } from '../../servers/redis-issuer.ts'
import { askRedis, type RealRedis, startRedis } from '../../servers/redis.ts'

let primary: RealRedis
let replica: RealRedis
let app: Credential

/** The same admin at both: users do not replicate, so somebody makes them at each. */
beforeEach(async () => {
  primary = await startRedis({ keeping: 'config' })
  replica = await startRedis({ keeping: 'aclfile', lines: [`replicaof 127.0.0.1 ${primary.port}`] })
  await askRedis(replica.port, replica.admin, 'ACL', 'SETUSER', 'keeper', `>${primary.admin.password}`)
  app = await makeUser([primary.port, replica.port], primary.admin, 'default')
  for (const { port } of [primary, replica]) {
    await askRedis(port, primary.admin, 'CONFIG', 'SET', 'requirepass', loginOf(app).password, 'masterauth', loginOf(app).password)
  }
  await linked()
})
afterEach(async () => {
  await replica.close()
  await primary.close()
})

async function linked(): Promise<void> {
  await until('the replica follows', 20_000, async () => (/master_link_status:up/.test(String(await askRedis(replica.port, primary.admin, 'INFO', 'replication'))) ? true : undefined))
}

function issuerOf(more: object, names: readonly string[] = ['primary', 'replica']): Issuer {
  const all = [{ name: 'primary', host: '127.0.0.1', port: primary.port }, { name: 'replica', host: '127.0.0.1', port: replica.port }]
  const url = `redis://keeper:${primary.admin.password}@127.0.0.1:${primary.port}`
  return openIssuer(issuerSchema.parse({ admin: '${env:REDIS_ADMIN_URL}', nodes: all.filter(({ name }) => names.includes(name)), ...more }), {
    base: '/', now: () => Date.now(), resolve: async () => new Secret(url), conceal() {},
  })
}

async function verdictsOf(issuer: Issuer, credential: Credential): Promise<readonly unknown[]> {
  return Promise.all(issuer.endpoints().map(async (endpoint) => {
    const answer = await issuer.probe(credential, endpoint, testCall())
    return answer.is === 'done' ? answer.value.verdict : answer.is
  }))
}

describe('in place, with masterauth', () => {
  it('every node has the new password, and the replica goes on following, also after a restart of both', async () => {
    const issuer = issuerOf({ user: 'default', strategy: 'in-place' })
    expect(await issuer.preflight(app, 'default', testCall())).toMatchObject({ is: 'done', value: { evidence: { nodes: 2 } } })
    const intent = intentOf(issuer, app, 'attempt-1')
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
    for (const _ of [1, 2]) {
      expect([await verdictsOf(issuer, app), await verdictsOf(issuer, intent.credential)]).toEqual([['rejected', 'rejected'], ['accepted', 'accepted']])
      await primary.restart()
      await replica.restart()
      await linked()
    }
  })

  it('nothing is changed anywhere when one node cannot be reached', async () => {
    const issuer = issuerOf({ user: 'default', strategy: 'in-place' })
    replica.signal('SIGSTOP')
    const answer = await issuer.mint(intentOf(issuer, app, 'attempt-1'), testCall({ within: 1_000 }))
    replica.signal('SIGCONT')
    expect(answer).toMatchObject({ is: 'refused', code: 'DEADLINE', about: `127.0.0.1:${replica.port}` })
    expect(await verdictsOf(issuer, app)).toEqual(['accepted', 'accepted'])
  })

  it('a node that keeps users of its own and is not named is found, whichever it is', async () => {
    for (const [names, count] of [[['primary'], '1 more node keeps'], [['replica'], '1 more node keeps']] as const) {
      expect(await issuerOf({ user: 'default', strategy: 'in-place' }, names).preflight(app, 'default', testCall())).toMatchObject({
        is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining(count),
      })
    }
  })
})

describe('a pair', () => {
  it('whose user replicas log in as is refused: they would be cut off', async () => {
    expect(await issuerOf({ user: 'default', strategy: 'alternate' }).preflight(app, 'default_alt', testCall())).toMatchObject({
      is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('+psync +replconf +ping'),
    })
  })

  it('is made, turned off and proven at every node, and the replica goes on following', async () => {
    const user = `app-${generate(ALNUM, 8)}`
    const current = await makeUser([primary.port, replica.port], primary.admin, user)
    const issuer = issuerOf({ user, strategy: 'alternate' })
    const intent = intentOf(issuer, current, 'attempt-1')
    expect(await issuer.preflight(current, intent.credential.id, testCall())).toMatchObject({ is: 'done' })
    expect(await issuer.mint(intent, testCall())).toMatchObject({ is: 'done' })
    expect([await verdictsOf(issuer, current), await verdictsOf(issuer, intent.credential)]).toEqual([['accepted', 'accepted'], ['accepted', 'accepted']])
    for (const end of ['off', 'gone'] as const) {
      expect(await issuer.set(user, end, testCall())).toMatchObject({ is: 'done' })
      expect([await verdictsOf(issuer, current), await verdictsOf(issuer, intent.credential)]).toEqual([['rejected', 'rejected'], ['accepted', 'accepted']])
    }
    await linked()
  })
})

describe('a server that is asked for its certificate', () => {
  it('is trusted by the authority that `ca` names, and by no other', async () => {
    const [ours, others] = [certify({ commonName: 'Ours' }), certify({ commonName: 'Others' })]
    const own = certify({ commonName: 'cache', names: ['127.0.0.1'], by: ours })
    const { folder } = primary
    for (const [name, text] of Object.entries({ 'ours.pem': ours.cert, 'others.pem': others.cert, 'cert.pem': own.cert, 'key.pem': own.key })) {
      writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 })
    }
    await askRedis(primary.port, primary.admin, 'CONFIG', 'SET', 'tls-cert-file', join(folder, 'cert.pem'), 'tls-key-file', join(folder, 'key.pem'), 'tls-ca-cert-file', join(folder, 'ours.pem'), 'tls-auth-clients', 'no')
    // A free port of the kernel's choice: the one of the replica, which is stopped.
    await replica.close()
    await askRedis(primary.port, primary.admin, 'CONFIG', 'SET', 'tls-port', String(replica.port))
    const open = (ca: string): Issuer => openIssuer(issuerSchema.parse({ admin: '${env:REDIS_ADMIN_URL}', user: 'default', ca }), {
      base: folder, now: () => Date.now(), conceal() {}, resolve: async () => new Secret(`rediss://keeper:${primary.admin.password}@127.0.0.1:${replica.port}`),
    })
    expect(await verdictsOf(open('ours.pem'), app)).toEqual(['accepted'])
    expect(await verdictsOf(open('others.pem'), app)).toEqual(['inconclusive'])
    expect(await open('none.pem').observe(testCall())).toMatchObject({ is: 'refused', code: 'STORE_MISSING' })
  })
})

it('in a cluster, a primary that is not named is found (other primaries keep users of their own)', async () => {
  const both = [await startRedis({ keeping: 'config', lines: ['cluster-enabled yes'] }), await startRedis({ keeping: 'config', lines: ['cluster-enabled yes'] })] as const
  try {
    const [one, two] = both
    const current = await makeUser([one.port], one.admin, 'app')
    await askRedis(one.port, one.admin, 'CLUSTER', 'MEET', '127.0.0.1', String(two.port))
    await until('they know each other', 10_000, async () => (/cluster_known_nodes:2/.test(String(await askRedis(one.port, one.admin, 'CLUSTER', 'INFO'))) ? true : undefined))
    const issuer = openIssuer(issuerSchema.parse({ admin: '${env:REDIS_ADMIN_URL}', user: 'app' }), {
      base: '/', now: () => Date.now(), conceal() {}, resolve: async () => new Secret(`redis://keeper:${one.admin.password}@127.0.0.1:${one.port}`),
    })
    expect(await issuer.preflight(current, 'app_alt', testCall())).toMatchObject({ is: 'refused', code: 'PRECONDITION_FAILED', about: expect.stringContaining('1 more node keeps') })
  } finally {
    for (const one of both) await one.close()
  }
})
