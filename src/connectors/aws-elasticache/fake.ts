import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { type FaultyHttp, type HttpAsked, type HttpReply, startFaultyHttp } from '../../testing/faulty-http.ts'

/** A replication group with its AUTH tokens, the one that was rotated in last at the end. */
export interface FakeGroup {
  tokens: string[]
  readonly tags: Map<string, string>
  /** How often the group is described until a modification is finished. */
  patience: number
  /** What is being modified; undefined when nothing is. */
  pending: { readonly strategy: string; readonly token: string; left: number } | undefined
  encrypted: boolean
  /** Whether logins are told that there are too many. */
  full: boolean
  /** Whether logins get no answer. */
  silent: boolean
}

export interface FakeElastiCache extends FaultyHttp {
  readonly group: FakeGroup
  /** Where clients log in, over TLS. */
  readonly port: number
  /** The modifications that were asked for and not refused: `ROTATE`, `SET`. */
  readonly modified: readonly string[]
}

const GROUP = 'atlas'
const ARN = `arn:aws:elasticache:eu-central-1:123456789012:replicationgroup:${GROUP}`

/**
 * ElastiCache in this process, as far as the connector asks it: requests in the query protocol, answers in XML, and logins over TLS as
 * Redis takes them. What ROTATE and SET do is as the AUTH page of AWS says it; a modification takes its time. Signatures are not looked
 * at: nothing of the connector depends on them.
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth.html
 */
export async function startFakeElastiCache(tls: { readonly key: string; readonly cert: string }, token: string): Promise<FakeElastiCache> {
  const group: FakeGroup = { tokens: [token], tags: new Map(), patience: 2, pending: undefined, encrypted: true, full: false, silent: false }
  const modified: string[] = []
  const redis = createServer(tls, (socket) => {
    socket.on('error', () => socket.destroy())
    // RESP is lists of strings; of each only the words count, and no token holds a line end.
    socket.on('data', (bytes: Buffer) => {
      if (group.silent) return
      for (const command of bytes.toString('latin1').split(/(?=^\*\d)/m)) {
        const words = command.split('\r\n').filter((line) => line !== '' && !/^[*$]\d/.test(line))
        if (group.full) socket.end('-ERR max number of clients reached\r\n')
        else if (words[0]?.toUpperCase() !== 'AUTH') socket.write('+OK\r\n')
        else socket.write(group.tokens.includes(words.at(-1) ?? '') ? '+OK\r\n' : '-WRONGPASS invalid username-password pair or user is disabled.\r\n')
      }
    })
  })
  await new Promise<void>((resolve) => { redis.listen(0, '127.0.0.1', resolve) })
  const front = await startFaultyHttp({ isEffect, answer: ({ body }) => act(group, modified, new URLSearchParams(body.toString())) })
  return {
    ...front, group, modified,
    port: (redis.address() as AddressInfo).port,
    close: async () => {
      await front.close()
      await new Promise((resolve) => { redis.close(resolve) })
    },
  }
}

function isEffect({ body }: Pick<HttpAsked, 'body'>): boolean {
  return body.includes('Action=ModifyReplicationGroup&')
}

function act(group: FakeGroup, modified: string[], form: URLSearchParams): HttpReply {
  const action = form.get('Action') ?? ''
  const named = form.get('ReplicationGroupId') ?? form.get('ResourceName') ?? ''
  if (named !== GROUP && named !== ARN) return failure(404, 'ReplicationGroupNotFoundFault')
  switch (action) {
    case 'DescribeReplicationGroups':
      goOn(group)
      return success(action, element({ ReplicationGroups: element({ ReplicationGroup: shown(group) }) }))
    case 'ModifyReplicationGroup': {
      const [strategy, token] = [form.get('AuthTokenUpdateStrategy') ?? '', form.get('AuthToken') ?? '']
      if (group.pending !== undefined) return failure(400, 'InvalidReplicationGroupState')
      if (!/^[\w!&#$^<>-]{16,128}$/.test(token)) return failure(400, 'InvalidParameterValue')
      // "Must be the same value as the last AUTH token rotated".
      if (strategy === 'SET' && group.tokens.at(-1) !== token) return failure(400, 'InvalidParameterValue')
      modified.push(strategy)
      group.pending = { strategy, token, left: group.patience }
      return success(action, element({ ReplicationGroup: shown(group) }))
    }
    case 'ListTagsForResource':
      return success(action, element({ TagList: [...group.tags].map(([Key, Value]) => element({ Tag: element({ Key, Value }) })).join('') }))
    case 'AddTagsToResource':
      for (let at = 1; form.has(`Tags.Tag.${at}.Key`); at += 1) group.tags.set(form.get(`Tags.Tag.${at}.Key`) ?? '', form.get(`Tags.Tag.${at}.Value`) ?? '')
      return success(action, '')
    case 'RemoveTagsFromResource':
      for (let at = 1; form.has(`TagKeys.member.${at}`); at += 1) group.tags.delete(form.get(`TagKeys.member.${at}`) ?? '')
      return success(action, '')
    default:
      return failure(400, 'InvalidAction')
  }
}

/** A modification comes one step nearer to its end. */
function goOn(group: FakeGroup): void {
  const { pending } = group
  if (pending === undefined) return
  pending.left -= 1
  if (pending.left > 0) return
  // "Up to two most recent AUTH tokens at a given time".
  group.tokens = pending.strategy === 'SET' ? [pending.token] : [...group.tokens.filter((each) => each !== pending.token), pending.token].slice(-2)
  group.pending = undefined
}

function shown({ pending, encrypted, tokens }: FakeGroup): string {
  return element({
    ReplicationGroupId: GROUP, ARN, Status: pending === undefined ? 'available' : 'modifying',
    AuthTokenEnabled: String(tokens.length > 0), TransitEncryptionEnabled: String(encrypted),
    PendingModifiedValues: pending === undefined ? '' : element({ AuthTokenStatus: pending.strategy === 'SET' ? 'SETTING' : 'ROTATING' }),
  })
}

/** XML elements one after the other; what stands in them is XML already. */
function element(parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).map(([name, inner]) => `<${name}>${inner}</${name}>`).join('')
}

function success(action: string, result: string): HttpReply {
  const body = element({ [`${action}Response`]: element({ [`${action}Result`]: result, ResponseMetadata: element({ RequestId: 'r' }) }) })
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}

function failure(status: number, code: string): HttpReply {
  return { status, headers: { 'content-type': 'text/xml' }, body: element({ ErrorResponse: element({ Error: element({ Type: 'Sender', Code: code, Message: 'no' }), RequestId: 'r' }) }) }
}
