import { DescribeSecretCommand, GetSecretValueCommand, PutSecretValueCommand, type SecretsManagerClient, UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager'
import { isEffect, operationOf, rotated } from '../../../src/connectors/aws-secrets-manager/fake.ts'
import { type FaultyHttp, forwardTo, type HttpAsked, type HttpReply, startFaultyHttp } from '../../../src/testing/faulty-http.ts'

/**
 * What stands before moto plays the rotation function, which moto leaves out without AWS Lambda: it puts a version with AWSPENDING when
 * a rotation is asked for, and moves AWSCURRENT to it two looks later.
 */
export async function startFunction(server: string, aws: SecretsManagerClient, name: string, alternating: boolean): Promise<FaultyHttp> {
  const pass = forwardTo(server)
  let looks = 0
  const answer = async (asked: HttpAsked): Promise<HttpReply> => {
    const operation = operationOf(asked)
    if (operation === 'RotateSecret') {
      const { ClientRequestToken } = JSON.parse(asked.body.toString()) as { readonly ClientRequestToken: string }
      const { SecretString = '{}' } = await aws.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' }))
      await aws.send(new PutSecretValueCommand({ SecretId: name, ClientRequestToken, SecretString: rotated(SecretString, alternating), VersionStages: ['AWSPENDING'] }))
      looks = 2
      return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify({ Name: name, VersionId: ClientRequestToken }) }
    }
    const reply = await pass(asked)
    if (operation === 'DescribeSecret' && looks > 0 && (looks -= 1) === 0) await finish(aws, name)
    return reply
  }
  return startFaultyHttp({ answer, isEffect })
}

async function finish(aws: SecretsManagerClient, SecretId: string): Promise<void> {
  const stages = await stagesOf(aws, SecretId)
  const with_ = (label: string): string => Object.keys(stages).find((id) => stages[id]?.includes(label) === true) ?? ''
  const [from, to] = [with_('AWSCURRENT'), with_('AWSPENDING')]
  await aws.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: from, MoveToVersionId: to }))
  await aws.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId: to }))
}

/** The labels of each version. */
export async function stagesOf(aws: SecretsManagerClient, SecretId: string): Promise<Readonly<Record<string, readonly string[]>>> {
  return (await aws.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {}
}
