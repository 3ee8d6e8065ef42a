import { z } from 'zod'
import { refused } from '../../kit/answer.ts'
import { Secret } from '../../kit/secret.ts'
import { type Api, Stopped } from './api.ts'

/** In what Keycloak shows to who may see a client but not its secret. */
const MASKED = '**********'

/** Attributes of a client; all times are unix seconds. https://github.com/keycloak/keycloak: ClientSecretConstants */
const ATTRIBUTES = {
  expires: 'client.secret.expiration.time',
  rotated: 'client.secret.rotated',
  rotatedAt: 'client.secret.rotated.creation.time',
  rotatedExpires: 'client.secret.rotated.expiration.time',
} as const

const recordsSchema = z.array(z.object({
  id: z.string().min(1),
  clientId: z.string(),
  enabled: z.boolean(),
  publicClient: z.boolean().default(false),
  bearerOnly: z.boolean().default(false),
  clientAuthenticatorType: z.string().default('client-secret'),
  authorizationServicesEnabled: z.boolean().default(false),
  secret: z.string().optional(),
  attributes: z.record(z.string(), z.string()).default({}),
  access: z.object({ configure: z.boolean().default(true) }).default({ configure: true }),
}))

/** A client as its admin sees it. */
export interface ClientRecord {
  /** Keycloak's own id of it. */
  readonly uuid: string
  readonly enabled: boolean
  /** Why it has no secret that could be rotated; absent when it has one. */
  readonly unfit?: 'public' | 'bearer-only' | 'other-proof'
  /** Whether the admin may change it. */
  readonly configurable: boolean
  /** Sent again with each change: an update without it takes the client's authorization services, and all that they hold, away. */
  readonly authorizationServicesEnabled: boolean
  readonly secret: Secret
  /** When the secret itself runs out by the policy of the realm, unix ms; absent when no policy was applied to it yet. */
  readonly expires?: number
  /** The secret before it, where a policy keeps it. */
  readonly rotated?: { readonly secret: Secret; readonly until: number }
}

/** The client of this id. Throws {@link Stopped}: PRINCIPAL_MISSING, and RIGHTS_MISSING when its secret is not shown. */
export async function readClient(api: Api, clientId: string): Promise<ClientRecord> {
  const all = await api.get(recordsSchema, { path: ['clients'], query: { clientId }, role: 'view-clients' })
  const found = all?.find((one) => one.clientId === clientId)
  if (found === undefined) throw new Stopped(refused('PRINCIPAL_MISSING', `client ${clientId}: there is none, or the admin may not see it (view-clients)`))
  const { attributes } = found
  const unfit = found.publicClient ? 'public' : found.bearerOnly ? 'bearer-only' : found.clientAuthenticatorType === 'client-secret' ? undefined : 'other-proof'
  if (unfit === undefined && (found.secret === undefined || found.secret === MASKED)) throw new Stopped(refused('RIGHTS_MISSING', `the role manage-clients, to see the secret of client ${clientId}`))
  const [expires, rotated, until] = [seconds(attributes[ATTRIBUTES.expires]), attributes[ATTRIBUTES.rotated], seconds(attributes[ATTRIBUTES.rotatedExpires])]
  return {
    uuid: found.id, enabled: found.enabled, configurable: found.access.configure,
    authorizationServicesEnabled: found.authorizationServicesEnabled,
    secret: new Secret(found.secret ?? ''),
    ...(unfit === undefined ? {} : { unfit }),
    ...(expires === undefined ? {} : { expires }),
    // One without an end is not accepted by Keycloak.
    ...(rotated === undefined || rotated === '' || until === undefined ? {} : { rotated: { secret: new Secret(rotated), until } }),
  }
}

/**
 * Sets the secret and nothing else: what is not named stays, so a concurrent edit of somebody else survives. Repeatable. An update of a
 * client whose secret has run out by a policy makes Keycloak draw one of its own instead, so the caller looks at `expires` first.
 */
export async function writeSecret(api: Api, { uuid, authorizationServicesEnabled }: ClientRecord, secret: Secret): Promise<void> {
  await write(api, uuid, { authorizationServicesEnabled, secret: secret.reveal() })
}

/**
 * Has Keycloak keep the secret of now as the rotated one too, until then (unix ms). Changes nothing that is accepted. It stays only where a
 * client policy with the executor `secret-rotation` applies to the client: elsewhere Keycloak takes it away in the same request.
 */
export async function keepSecret(api: Api, { uuid, authorizationServicesEnabled, secret }: ClientRecord, now: number, until: number): Promise<void> {
  await write(api, uuid, {
    authorizationServicesEnabled,
    attributes: { [ATTRIBUTES.rotated]: secret.reveal(), [ATTRIBUTES.rotatedAt]: unixSeconds(now), [ATTRIBUTES.rotatedExpires]: unixSeconds(until) },
  })
}

/** Ends the rotated secret; done when there is none. */
export async function dropRotated(api: Api, { uuid }: ClientRecord): Promise<void> {
  await api.change('DELETE', { path: ['clients', uuid, 'client-secret', 'rotated'], role: 'manage-clients' })
}

async function write(api: Api, uuid: string, body: object): Promise<void> {
  const there = await api.change('PUT', { path: ['clients', uuid], role: 'manage-clients' }, body)
  if (!there) throw new Stopped(refused('PRINCIPAL_MISSING', 'the client is gone'))
}

function seconds(text: string | undefined): number | undefined {
  const count = Number(text)
  return text === undefined || !Number.isSafeInteger(count) || count <= 0 ? undefined : count * 1_000
}

function unixSeconds(ms: number): string {
  return String(Math.floor(ms / 1_000))
}
