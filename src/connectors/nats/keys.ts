import { z } from 'zod'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import type { Work } from './access.ts'
import { readAccount } from './account.ts'
import { parseJson } from './json.ts'
import type { IssuerConfig } from './manifest.ts'
import { publicKeyOf } from './user.ts'

/** The seeds that sign, looked at. */
export interface Keys {
  readonly operator: Secret
  readonly signer: Secret
  /** Whether the signing key has a role (a scoped signing key), which then says what the user may do. */
  readonly scoped: boolean
}

const varzSchema = z.object({
  data: z.object({
    trusted_operators_claim: z.array(z.object({
      sub: z.string(),
      nats: z.object({ signing_keys: z.array(z.string()).default([]), strict_signing_key_usage: z.boolean().default(false) }),
    })),
  }),
})

/**
 * The seeds that sign, each with the right to. It is looked at before every write: a server takes an account JWT of a key that it does
 * not trust, answers that it did, keeps it, and believes it no more when it starts the next time. Throws RIGHTS_MISSING with the key that
 * is wrong, PRINCIPAL_MISSING without the account, and what {@link Host.resolve} does.
 */
export async function keysOf({ account, operator, signer }: Pick<IssuerConfig, 'account' | 'operator' | 'signer'>, host: Host, { session, servers }: Work, call: Call): Promise<Keys> {
  const keys = { operator: await host.resolve(operator, call), signer: await host.resolve(signer, call) }
  const [signs, makes] = [await publicKeyOf(keys.operator), await publicKeyOf(keys.signer)]
  if (signs === undefined || !signs.startsWith('O')) throw new KeyturnError('REFERENCE_UNRESOLVED', '`operator` gives no seed of an operator key (`SO...`)')
  if (makes === undefined || !makes.startsWith('A')) throw new KeyturnError('REFERENCE_UNRESOLVED', '`signer` gives no seed of an account key (`SA...`)')
  const replies = await session.gather('$SYS.REQ.SERVER.PING.VARZ', '', (all) => all.length >= servers.count)
  const trusted = replies.map((reply) => varzSchema.safeParse(parseJson(reply)).data?.data.trusted_operators_claim ?? [])
  const mayChange = trusted.map((all) => all.some(({ sub, nats }) => nats.signing_keys.includes(signs) || (sub === signs && !nats.strict_signing_key_usage)))
  if (!mayChange.every(Boolean)) throw new KeyturnError('RIGHTS_MISSING', `a server does not trust the key under \`operator\`, ${signs}`)
  const found = await readAccount(session, account, servers)
  if (found === undefined) throw new KeyturnError('PRINCIPAL_MISSING', account)
  const signing = (found.nats.signing_keys ?? []).find((key) => (typeof key === 'string' ? key : key.key) === makes)
  if (signing === undefined && makes !== account) throw new KeyturnError('RIGHTS_MISSING', `the key under \`signer\`, ${makes}, does not sign for the account`)
  return { ...keys, scoped: typeof signing === 'object' }
}
