import { z } from 'zod'
import type { Call, Host } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'
import { urlSchema } from '../http/index.ts'

/** What every configuration of an AWS service has, to be spread into its schema. */
export const connectionSchema = {
  region: z.string().regex(/^[a-z0-9-]+$/, 'a region such as `eu-central-1`').describe('The region: `eu-central-1`.'),
  profile: z.string().min(1).optional().describe('A profile of the shared configuration files; the standard chain chooses when absent.'),
  endpoint: urlSchema.optional().describe('Another address than the service has by its region: a VPC endpoint, a test server.'),
  adminKey: z.string().min(1).meta({ reference: true }).optional().describe('A reference to the access key id to work with; the standard credential chain of the SDK when absent, which is better.'),
  adminSecret: z.string().min(1).meta({ reference: true }).optional().describe('A reference to its secret access key.'),
}

/** `adminKey` and `adminSecret` stand together or not at all. */
export function hasWholeAdmin({ adminKey, adminSecret }: Pick<Connection, 'adminKey' | 'adminSecret'>): boolean {
  return (adminKey === undefined) === (adminSecret === undefined)
}

/** What is said where {@link hasWholeAdmin} does not hold. */
export const WHOLE_ADMIN = { path: ['adminSecret'], error: '`adminKey` and `adminSecret` together, or neither' }

export interface Connection {
  readonly region: string
  readonly profile?: string | undefined
  readonly endpoint?: string | undefined
  readonly adminKey?: string | undefined
  readonly adminSecret?: string | undefined
}

/** An access key. */
export interface AwsKey {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
}

/** The options of a client of the SDK. It never tries again by itself: every attempt is one of the engine's. */
export interface ClientOptions {
  readonly maxAttempts: 1
  readonly region: string
  readonly profile?: string
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** With this key, or with what the configuration says. Throws a KeyturnError when a reference does not resolve. */
export async function clientOptions(connection: Connection, host: Pick<Host, 'resolve'>, call: Call, as?: AwsKey): Promise<ClientOptions> {
  const { region, profile, endpoint, adminKey, adminSecret } = connection
  const place = { maxAttempts: 1 as const, region, ...(endpoint === undefined ? {} : { endpoint }) }
  // The last line before the SDK.
  if (as !== undefined) return { ...place, credentials: { accessKeyId: as.accessKeyId, secretAccessKey: as.secretAccessKey.reveal() } }
  if (adminKey === undefined || adminSecret === undefined) return { ...place, ...(profile === undefined ? {} : { profile }) }
  return { ...place, credentials: { accessKeyId: (await host.resolve(adminKey, call)).reveal(), secretAccessKey: (await host.resolve(adminSecret, call)).reveal() } }
}
