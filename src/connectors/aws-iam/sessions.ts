import type { IAMClient } from '@aws-sdk/client-iam'
import type { STSClient } from '@aws-sdk/client-sts'
import type { Host } from '../../kit/call.ts'
import { type AwsKey, clientOptions, optional, type Session } from '../../outside/aws/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** The packages of AWS, loaded when they are used. */
export const iamSdk = () => optional('@aws-sdk/client-iam', () => import('@aws-sdk/client-iam'))
export const stsSdk = () => optional('@aws-sdk/client-sts', () => import('@aws-sdk/client-sts'))

/** As the admin. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html#API_CreateAccessKey_Errors */
export function adminSession(config: IssuerConfig, host: Pick<Host, 'resolve'>): Session<IAMClient> {
  return {
    about: `the IAM user ${config.user}`,
    meanings: { NoSuchEntityException: 'PRINCIPAL_MISSING', LimitExceededException: 'SLOTS_FULL' },
    async open(call) {
      const { IAMClient } = await iamSdk()
      return new IAMClient(await clientOptions(config, host, call))
    },
  }
}

/** With one access key. */
export function keySession(config: IssuerConfig, host: Pick<Host, 'resolve'>, key: AwsKey): Session<STSClient> {
  return {
    about: `sts.${config.region}`,
    meanings: {},
    async open(call) {
      const { STSClient } = await stsSdk()
      return new STSClient(await clientOptions(config, host, call, key))
    },
  }
}
