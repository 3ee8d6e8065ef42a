import type { ElastiCacheClient, ReplicationGroup } from '@aws-sdk/client-elasticache'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Secret } from '../../kit/secret.ts'
import { clientOptions, optional, type Session } from '../../outside/aws/index.ts'
import type { IssuerConfig } from './manifest.ts'

const sdk = () => optional('@aws-sdk/client-elasticache', () => import('@aws-sdk/client-elasticache'))

/** The tags in which keyturn notes which two tokens it put there: AWS lists none. */
const [NOTED_LAST, NOTED_BEFORE] = ['keyturn:last', 'keyturn:before']

/** What is noted: the token that was rotated in last, and the one that was in use before. */
export interface Noted {
  readonly last?: string
  readonly before?: string
}

/** The replication group as it is now. */
export interface Group {
  readonly arn: string
  /** Whether nothing is being modified. */
  readonly idle: boolean
  readonly hasToken: boolean
  readonly encrypted: boolean
}

/** As the admin. https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyReplicationGroup.html#API_ModifyReplicationGroup_Errors */
export function groupSession(config: IssuerConfig, host: Pick<Host, 'resolve'>): Session<ElastiCacheClient> {
  return {
    about: `the replication group ${config.group}`,
    meanings: { ReplicationGroupNotFoundFault: 'PRINCIPAL_MISSING', InvalidReplicationGroupStateFault: 'CONFLICT' },
    async open(call) {
      const { ElastiCacheClient } = await sdk()
      return new ElastiCacheClient(await clientOptions(config, host, call))
    },
  }
}

/** Throws what the SDK throws; PRINCIPAL_MISSING when AWS shows none. */
export async function readGroup(client: ElastiCacheClient, id: string, call: Call): Promise<Group> {
  const { DescribeReplicationGroupsCommand } = await sdk()
  const { ReplicationGroups: [group] = [] } = await client.send(new DescribeReplicationGroupsCommand({ ReplicationGroupId: id }), { abortSignal: call.signal })
  if (group?.ARN === undefined) throw new KeyturnError('PRINCIPAL_MISSING', `the replication group ${id}`)
  return { arn: group.ARN, idle: isIdle(group), hasToken: group.AuthTokenEnabled === true, encrypted: group.TransitEncryptionEnabled === true }
}

function isIdle({ Status, PendingModifiedValues }: ReplicationGroup): boolean {
  return Status === 'available' && PendingModifiedValues?.AuthTokenStatus === undefined
}

/** Asks for a modification, which AWS carries out in its own time. The token that is named last has to be the one that was rotated in last. */
export async function modify(client: ElastiCacheClient, id: string, token: Secret, how: 'ROTATE' | 'SET', call: Call): Promise<void> {
  const { ModifyReplicationGroupCommand } = await sdk()
  await client.send(
    new ModifyReplicationGroupCommand({ ReplicationGroupId: id, AuthToken: token.reveal(), AuthTokenUpdateStrategy: how, ApplyImmediately: true }),
    { abortSignal: call.signal },
  )
}

export async function readNoted(client: ElastiCacheClient, arn: string, call: Call): Promise<Noted> {
  const { ListTagsForResourceCommand } = await sdk()
  const { TagList = [] } = await client.send(new ListTagsForResourceCommand({ ResourceName: arn }), { abortSignal: call.signal })
  const [last, before] = [NOTED_LAST, NOTED_BEFORE].map((key) => TagList.find(({ Key }) => Key === key)?.Value)
  return { ...(last === undefined ? {} : { last }), ...(before === undefined ? {} : { before }) }
}

/** Both together, or neither. */
export async function note(client: ElastiCacheClient, arn: string, noted: { readonly last: string; readonly before: string } | undefined, call: Call): Promise<void> {
  const { AddTagsToResourceCommand, RemoveTagsFromResourceCommand } = await sdk()
  const options = { abortSignal: call.signal }
  if (noted === undefined) {
    await client.send(new RemoveTagsFromResourceCommand({ ResourceName: arn, TagKeys: [NOTED_LAST, NOTED_BEFORE] }), options)
  } else {
    const tags = [{ Key: NOTED_LAST, Value: noted.last }, { Key: NOTED_BEFORE, Value: noted.before }]
    await client.send(new AddTagsToResourceCommand({ ResourceName: arn, Tags: tags }), options)
  }
}
