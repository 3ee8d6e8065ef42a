import type { IAMClient } from '@aws-sdk/client-iam'
import { type Answer, done, label, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Credential, CredentialState, Issuer, Known, Preflight } from '../../kit/issuer.ts'
import { type Fields, Secret } from '../../kit/secret.ts'
import { askOnce, type AwsKey, inSession } from '../../outside/aws/index.ts'
import type { IssuerConfig } from './manifest.ts'
import { probe } from './probe.ts'
import { adminSession, iamSdk } from './sessions.ts'

/** The id of a credential that nobody has yet. */
const PENDING = 'pending'

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const SLOTS = 2

/** IAM is eventually consistent: so long a new key may be rejected before that means anything, and an end may be under way. */
const SETTLE = 30_000

/** What GetSessionToken gives a user lives 36 hours at most, whatever becomes of the key. */
const SESSION_LIFE = 36 * 3_600_000

/** Access keys of one IAM user. IAM keeps no tag of them, so one whose answer was lost is found by what was there before. */
export function openIssuer(config: IssuerConfig, host: Pick<Host, 'resolve' | 'conceal' | 'now'>): Issuer {
  const session = adminSession(config, host)
  const UserName = config.user

  const list = async (client: IAMClient, call: Call): Promise<readonly { readonly id: string; readonly on: boolean }[] | undefined> => {
    const { ListAccessKeysCommand } = await iamSdk()
    const { AccessKeyMetadata = [], IsTruncated } = await client.send(new ListAccessKeysCommand({ UserName, MaxItems: 100 }), { abortSignal: call.signal })
    const keys = AccessKeyMetadata.flatMap(({ AccessKeyId, Status }) => (AccessKeyId === undefined ? [] : [{ id: AccessKeyId, on: Status === 'Active' }]))
    // A key that is overlooked would be taken for one that does not exist.
    return IsTruncated === true || keys.length !== AccessKeyMetadata.length ? undefined : keys
  }

  const known = async (client: IAMClient, id: string, on: boolean, call: Call): Promise<Known> => {
    const { GetAccessKeyLastUsedCommand } = await iamSdk()
    const { AccessKeyLastUsed } = await client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id }), { abortSignal: call.signal })
    const { LastUsedDate, ServiceName = '', Region = '' } = AccessKeyLastUsed ?? {}
    const lately = LastUsedDate !== undefined && host.now() - LastUsedDate.getTime() <= durationOf(config.recent)
    return { id, state: on ? 'on' : 'off', uses: lately ? [{ by: label(`${ServiceName}@${Region}`), count: 1 }] : [] }
  }

  const set = (id: string, state: CredentialState, call: Call): Promise<Answer<{ readonly evidence: object & Readonly<Record<string, never>> }>> =>
    inSession(session, call, async (client) => {
      const { DeleteAccessKeyCommand, UpdateAccessKeyCommand } = await iamSdk()
      const keys = await list(client, call)
      if (keys === undefined) return unknown('RESPONSE_UNFIT', session.about)
      // Also what is not this user's is not touched, whatever is recorded.
      if (!keys.some((key) => key.id === id)) return state === 'gone' ? done({ evidence: {} }) : refused('PRINCIPAL_MISSING', `an access key of ${session.about}`)
      const working = await client.config.credentials()
      if (state !== 'on' && working.accessKeyId === id) return refused('PRINCIPAL_IN_USE', `the access key that keyturn itself works with, of ${session.about}`)
      const asked = { UserName, AccessKeyId: id }
      if (state === 'gone') await client.send(new DeleteAccessKeyCommand(asked), { abortSignal: call.signal })
      else await client.send(new UpdateAccessKeyCommand({ ...asked, Status: state === 'on' ? 'Active' : 'Inactive' }), { abortSignal: call.signal })
      return done({ evidence: {} })
    })

  return {
    traits: {
      value: 'made', mint: 'adds', acceptor: 'issuer', locate: 'baseline', slots: SLOTS, settle: SETTLE, ends: ['off', 'gone'],
      fields: { accessKeyId: 'plain', secretAccessKey: 'secret' }, derivedLife: SESSION_LIFE,
    },
    identity: () => resourceKey('principal', 'aws-iam', config.endpoint ?? '', config.profile ?? '', UserName),
    endpoints: () => [`sts.${config.region}`],
    idOf: (fields) => keyOf(fields)?.accessKeyId,
    propose: () => ({ id: PENDING, fields: {} }),

    preflight: (current, _next, call) => inSession(session, call, async (client) => {
      const keys = await list(client, call)
      if (keys === undefined) return unknown('RESPONSE_UNFIT', session.about)
      return lookAhead(current, keys, session.about, (await client.config.credentials()).accessKeyId)
    }),

    observe: (call) => inSession(session, call, async (client) => {
      const keys = await list(client, call)
      if (keys === undefined) return unknown('RESPONSE_UNFIT', session.about)
      const all = await Promise.all(keys.map(({ id, on }) => known(client, id, on, call)))
      return done({ known: all, complete: true, seenUpTo: host.now() - durationOf(config.lag) })
    }),

    async mint(_intent, call) {
      const answer = await askOnce(session, call, async (client) => {
        const { CreateAccessKeyCommand } = await iamSdk()
        return client.send(new CreateAccessKeyCommand({ UserName }), { abortSignal: call.signal })
      })
      if (answer.is !== 'done') return answer
      const { AccessKeyId, SecretAccessKey } = answer.value.AccessKey ?? {}
      if (AccessKeyId === undefined || SecretAccessKey === undefined) return unknown('RESPONSE_UNFIT', session.about)
      const fields = { accessKeyId: new Secret(AccessKeyId), secretAccessKey: new Secret(SecretAccessKey) }
      host.conceal(fields.secretAccessKey)
      return done({ credential: { id: AccessKeyId, fields }, evidence: {} })
    },

    probe: async ({ fields }, _endpoint, call) => {
      const key = keyOf(fields)
      return key === undefined ? refused('INTERNAL', 'a credential without fields') : probe(config, host, key, call)
    },
    set,
    // Every call has a client of its own.
    close: async () => undefined,
  }
}

function keyOf({ accessKeyId, secretAccessKey }: Fields): AwsKey | undefined {
  return accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId: accessKeyId.reveal(), secretAccessKey }
}

function lookAhead(current: Credential, keys: readonly { readonly id: string; readonly on: boolean }[], about: string, working: string): Answer<Preflight> {
  if (!keys.some(({ id, on }) => id === current.id && on)) return refused('PRINCIPAL_MISSING', `the access key in use is none of ${about} that is active`)
  if (keys.length >= SLOTS) return refused('SLOTS_FULL', `${about} has ${keys.length} access keys, which is all that AWS allows: delete the one that is not in use`, { keys: keys.length, slots: SLOTS })
  if (working === current.id) return refused('PRINCIPAL_IN_USE', `keyturn itself works with the access key that is to be ended, of ${about}: give it a role or another key`)
  return done({
    evidence: { keys: keys.length, slots: SLOTS },
    fenced: false,
    notices: [
      'IAM is eventually consistent: a new access key, or the end of one, may take some seconds to arrive everywhere.',
      'Sessions that were made of the key before it is ended live on, up to 36 hours.',
      'The server cannot tell an older owner from a newer one.',
    ],
  })
}
