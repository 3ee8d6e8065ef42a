import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { KeyturnError } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import { parseJson } from './json.ts'
import type { Session } from './session.ts'

/** What the JWT of an account says; what is not named here stays as it is when the JWT is written anew. */
const accountSchema = z.object({
  sub: z.string(),
  name: z.string().default(''),
  iat: z.number(),
  exp: z.number().optional(),
  nbf: z.number().optional(),
  nats: z.looseObject({
    tags: z.array(z.string()).optional(),
    /** User keys, and up to when what was issued for them is revoked, unix seconds. */
    revocations: z.record(z.string(), z.number()).optional(),
    limits: z.looseObject({ conn: z.number().optional() }).optional(),
    signing_keys: z.array(z.union([z.string(), z.looseObject({ key: z.string() })])).optional(),
  }),
})

export type Account = z.infer<typeof accountSchema>
export type AccountClaims = Account['nats']

/** How often it is written anew when somebody else writes at the same time. */
const TRIES = 8

/**
 * Longer than it takes from reading the account to writing it, ms: who read it before our write has written after this time, and what
 * they then undid is seen.
 */
const SETTLED_MS = 300

const wholeReply = z.object({ data: z.object({ code: z.literal(200) }) })
const pingReply = z.object({ server: z.object({ id: z.string(), ver: z.string() }), statsz: z.object({ active_servers: z.number().optional() }) })

/** The servers that can be asked, as they know each other. */
export interface Servers {
  readonly count: number
  /** Of the one that answered first. */
  readonly version: string
}

/** How many servers there are, and that all of them answer. Throws UNREACHABLE when fewer do. */
export async function readServers(session: Session): Promise<Servers> {
  const read = (replies: readonly string[]) => replies.flatMap((reply) => pingReply.safeParse(parseJson(reply)).data ?? [])
  const known = (replies: readonly string[]): number => Math.max(1, ...read(replies).map(({ statsz }) => statsz.active_servers ?? 1))
  const replies = await session.gather('$SYS.REQ.SERVER.PING', '', (all) => read(all).length >= known(all))
  const [first] = read(replies)
  if (first === undefined) throw new KeyturnError('RESPONSE_UNFIT', 'the system account does not answer as one')
  if (read(replies).length < known(replies)) throw new KeyturnError('UNREACHABLE', `${read(replies).length} of ${known(replies)} servers answer`)
  return { count: known(replies), version: first.server.ver }
}

/** The newest account JWT that the servers keep; undefined when they do not know the account. Its signature is theirs to check. */
export async function readAccount(session: Session, account: string, servers: Servers): Promise<Account | undefined> {
  const replies = await session.gather(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`, '', (all) => all.length >= servers.count)
  const read = replies.flatMap((reply) => accountSchema.safeParse(parseJson(Buffer.from(reply.split('.')[1] ?? '', 'base64url').toString())).data ?? [])
  return read.filter(({ sub }) => sub === account).sort((a, b) => b.iat - a.iat)[0]
}

/** How a change went. */
export interface Changed {
  /** How often it was written: 0 when it was as wanted before. */
  readonly writes: number
}

/**
 * Writes the account JWT anew, signed by the operator key, and looks that the servers keep it. There is no compare-and-set: what was
 * written is looked at again a little later, and changed again when somebody else wrote at the same moment. `change` answers undefined
 * when nothing is to be done. `onSend` is called before each write. Throws as {@link Session.gather}, PRINCIPAL_MISSING when the servers
 * do not know the account, {@link WriteFailed}.
 */
export async function changeAccount(
  session: Session, { account, operator, servers, signal }: { readonly account: string; readonly operator: Secret; readonly servers: Servers; readonly signal: AbortSignal },
  change: (claims: AccountClaims) => AccountClaims | undefined, onSend: () => void,
): Promise<Changed> {
  const read = async (): Promise<Account> => {
    const now = await readAccount(session, account, servers)
    if (now === undefined) throw new KeyturnError('PRINCIPAL_MISSING', account)
    return now
  }
  for (let writes = 0; writes < TRIES; writes += 1) {
    if (writes > 0) await pause(SETTLED_MS, undefined, { signal })
    const now = await read()
    const next = change(now.nats)
    if (next === undefined) return { writes }
    const jwt = await encode(now, next, operator)
    onSend()
    const replies = await session.gather('$SYS.REQ.CLAIMS.UPDATE', jwt, (all) => all.length >= servers.count)
    if (!replies.every((reply) => wholeReply.safeParse(parseJson(reply)).success)) throw new WriteFailed('a server does not take the account JWT')
  }
  throw new WriteFailed('somebody else writes the account all the time')
}

/** What became of the account JWT is not known. */
export class WriteFailed extends Error {
  override readonly name = 'WriteFailed'
}

async function encode({ name, sub, exp, nbf }: Account, claims: AccountClaims, operator: Secret): Promise<string> {
  const { encodeAccount } = await import('@nats-io/jwt')
  // Shapes of the library leave out what it does not know; all of it is carried over.
  return encodeAccount(name, sub, { ...claims } as object, { signer: operator.reveal().trim(), ...(exp === undefined ? {} : { exp }), ...(nbf === undefined ? {} : { nbf }) })
}
