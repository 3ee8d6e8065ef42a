import { connect, jwtAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { createAccount, createOperator, createUser, encodeAccount, encodeOperator, encodeUser, fmtCreds, type KeyPair, newScopedSigner } from '@nats-io/jwt'
import { openIssuer } from '../../src/connectors/nats/index.ts'
import { CHANGE, faultyProxy, type FaultyProxy } from '../../src/connectors/nats/fake.ts'
import { issuerSchema } from '../../src/connectors/nats/manifest.ts'
import type { Host } from '../../src/kit/call.ts'
import type { Credential } from '../../src/kit/issuer.ts'
import { Secret } from '../../src/kit/secret.ts'
import type { Fault } from '../../src/testing/faults.ts'
import type { IssuerWorld } from '../../src/testing/issuer.ts'

/** No limit, in every respect: what is left out would be 0. */
export const NO_LIMITS = { conn: -1, subs: -1, data: -1, payload: -1, imports: -1, exports: -1, leaf: -1, wildcards: true }

/** An operator with a signing key, a system account, and a user of that: what a server is started with. */
export interface Realm {
  readonly operatorJwt: string
  readonly systemAccount: string
  readonly systemJwt: string
  /** The seed of the operator's signing key. */
  readonly operator: string
  /** The text of a `.creds` file. */
  readonly system: string
  /** Makes one more user of the system account. */
  systemUser(claims?: object): Promise<string>
}

export async function makeRealm(): Promise<Realm> {
  const [operator, signing, account] = [createOperator(), createOperator(), createAccount()]
  const systemUser = async (claims: object = {}): Promise<string> => {
    const user = createUser()
    return textOf(fmtCreds(await encodeUser('system', user, account, claims), user))
  }
  return {
    operatorJwt: await encodeOperator('Test', operator, { system_account: account.getPublicKey(), signing_keys: [signing.getPublicKey()] }),
    systemAccount: account.getPublicKey(),
    systemJwt: await encodeAccount('SYS', account, { limits: NO_LIMITS }, { signer: operator }),
    operator: textOf(signing.getSeed()),
    system: await systemUser(),
    systemUser,
  }
}

/** A running server, real or pretended, in operator mode with a full resolver. */
export interface NatsServer {
  readonly port: number
  readonly realm: Realm
}

/** An account of its own with a signing key, at a server. */
export interface TestAccount {
  readonly key: KeyPair
  /** The seed of its signing key. */
  readonly signer: string
  /** Writes the JWT of the account anew: further claims beside its keys and limits. */
  write(claims?: object): Promise<void>
  /** Signs a user, as somebody did before there was keyturn. */
  user(name: string, claims?: object): Promise<Credential>
  /** Signs another JWT, now, for the key of a user. */
  again(user: Credential): Promise<Credential>
}

/** Makes an account; `scoped`: its signing key has a role. */
export async function makeAccount(server: NatsServer, options: { readonly scoped?: boolean; readonly jetstream?: boolean } = {}): Promise<TestAccount> {
  const [key, signing] = [createAccount(), createAccount()]
  const account: TestAccount = {
    key,
    signer: textOf(signing.getSeed()),
    async write(claims = {}) {
      const storage = options.jetstream === true ? { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 } : {}
      const said = { limits: { ...NO_LIMITS, ...storage }, signing_keys: [options.scoped === true ? newScopedSigner(signing, 'worker', { pub: { allow: ['work.>'] }, ...NO_LIMITS }) : signing.getPublicKey()], ...claims }
      const jwt = await encodeAccount('Test account', key, said as object, { signer: server.realm.operator })
      await asSystemUser(server, async (connection) => { await connection.request('$SYS.REQ.CLAIMS.UPDATE', jwt, { timeout: 5_000 }) })
    },
    async user(name, claims = {}) {
      const user = createUser()
      const jwt = await encodeUser(name, user, key.getPublicKey(), claims, { signer: signing, scopedUser: options.scoped === true })
      return { id: user.getPublicKey(), fields: { jwt: new Secret(jwt), seed: new Secret(textOf(user.getSeed())) } }
    },
    async again({ id, fields }) {
      return { id, fields: { ...fields, jwt: new Secret(await encodeUser('worker', id, key.getPublicKey(), {}, { signer: signing })) } }
    },
  }
  await account.write()
  return account
}

/** What the servers keep of an account, by their own answer. */
export async function lookUp(server: NatsServer, account: TestAccount): Promise<{ readonly nats: { readonly tags?: readonly string[]; readonly revocations?: Readonly<Record<string, number>> } }> {
  let text = ''
  await asSystemUser(server, async (connection) => { text = (await connection.request(`$SYS.REQ.ACCOUNT.${account.key.getPublicKey()}.CLAIMS.LOOKUP`, '', { timeout: 5_000 })).string() })
  return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as Awaited<ReturnType<typeof lookUp>>
}

async function asSystemUser(server: NatsServer, work: (connection: NatsConnection) => Promise<void>): Promise<void> {
  const [jwt = '', seed = ''] = [...server.realm.system.matchAll(/^-{3,}BEGIN .*\n(\S+)$/gm)].map(([, part]) => part ?? '')
  const connection = await connect({ servers: `127.0.0.1:${server.port}`, authenticator: jwtAuthenticator(jwt, Buffer.from(seed)), reconnect: false, name: 'test' })
  try {
    await work(connection)
  } finally {
    await connection.close()
  }
}

/** A connection as a consumer has it, with the library that services use. */
export function loginAs(server: { readonly port: number }, { fields }: Credential, name: string): Promise<NatsConnection> {
  return connect({
    servers: `127.0.0.1:${server.port}`, name, reconnect: false,
    authenticator: jwtAuthenticator(fields['jwt']?.reveal() ?? '', Buffer.from(fields['seed']?.reveal() ?? '')),
  })
}

/** What a manifest says of the issuer, and the references in it. */
export function configOf(server: NatsServer, account: TestAccount, port: number, more: object = {}): { readonly issuer: Readonly<Record<string, unknown>>; readonly env: Readonly<Record<string, string>> } {
  return {
    issuer: {
      servers: [`nats://127.0.0.1:${port}`], system: '${env:NATS_SYSTEM}', account: account.key.getPublicKey(), user: 'worker',
      signer: '${env:NATS_SIGNER}', operator: '${env:NATS_OPERATOR}', ...more,
    },
    env: { NATS_SYSTEM: server.realm.system, NATS_SIGNER: account.signer, NATS_OPERATOR: server.realm.operator },
  }
}

/** Resolves `${env:NAME}` from these. */
export function hostOf(env: Readonly<Record<string, string>>): Host {
  return { base: '/', now: () => Date.now(), conceal: () => undefined, resolve: async (text) => new Secret(new Map(Object.entries(env)).get(/^\$\{env:(\w+)\}$/.exec(text)?.[1] ?? '') ?? text) }
}

export interface NatsWorld extends IssuerWorld {
  readonly account: TestAccount
  readonly proxy: FaultyProxy
}

/** An account with two users, reached through a proxy that produces the faults. */
export async function makeNatsWorld(server: NatsServer, options: { readonly scoped?: boolean } = {}): Promise<NatsWorld> {
  const account = await makeAccount(server, options)
  const proxy = await faultyProxy(server)
  const { issuer, env } = configOf(server, account, proxy.port)
  const connections: NatsConnection[] = []
  const [current, sibling] = [await account.user('worker'), await account.user('sibling')]
  return {
    account, proxy, current, siblings: [sibling],
    open: () => openIssuer(issuerSchema.parse(issuer), hostOf(env)),
    async use(credential) {
      const connection = await loginAs(server, credential, 'consumer')
      connections.push(connection)
      return { alive: async () => !connection.isClosed(), close: () => connection.close() }
    },
    async inject(fault) {
      if (fault === 'full') await account.write({ limits: { ...NO_LIMITS, conn: 1 } })
      if (fault === 'full') connections.push(await loginAs(server, current, 'consumer'))
      else produce(proxy, fault)
    },
    async close() {
      for (const connection of connections) await connection.close()
      await proxy.close()
    },
  }
}

function produce(proxy: FaultyProxy, fault: Exclude<Fault, 'full'>): void {
  if (fault === 'unreachable') proxy.refuseNext(1)
  if (fault === 'answer-lost') proxy.inject({ on: CHANGE, act: 'lose-answer' })
  if (fault === 'server-error') proxy.inject({ on: CHANGE, act: 'error', error: 'produced by the test' })
  if (fault === 'slow') proxy.inject({ on: CHANGE, act: 'hold', ms: 700 })
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
