import type { ParameterMetadata, SSMClient } from '@aws-sdk/client-ssm'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'
import type { Entries, Patch, Store } from '../../kit/store.ts'
import { clientOptions, errorNameOf, inSession, optional, type Session } from '../../outside/aws/index.ts'
import type { StoreConfig } from './manifest.ts'

/** The one key. */
const KEY = 'value'

/** The most that a parameter of the tier holds, bytes. https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html */
const ROOM = { Standard: 4096, Advanced: 8192, 'Intelligent-Tiering': 8192 } as const

/** The revision of a parameter that is not there. */
const ABSENT = 'absent'

const sdk = () => optional('@aws-sdk/client-ssm', () => import('@aws-sdk/client-ssm'))

interface Now {
  readonly revision: string
  readonly value?: Secret
}

/**
 * One SecureString parameter. AWS has no conditional write here: the version is compared before the write, and the answer to the write
 * says whether another one came between.
 */
export function openStore(config: StoreConfig, host: Pick<Host, 'resolve'>): Store {
  const Name = config.parameter
  const about = `${Name} in ${config.region}`
  const session: Session<SSMClient> = {
    about,
    meanings: {
      AccessDeniedException: 'STORE_DENIED', InvalidKeyId: 'STORE_DENIED', ParameterNotFound: 'STORE_MISSING', ParameterVersionNotFound: 'STORE_MISSING',
      ParameterLimitExceeded: 'STORE_FULL', ParameterMaxVersionLimitExceeded: 'STORE_FULL', TooManyUpdates: 'RATE_LIMITED', HierarchyTypeMismatchException: 'STORE_UNFIT',
    },
    async open(call) {
      const { SSMClient } = await sdk()
      return new SSMClient(await clientOptions(config, host, call))
    },
  }

  /** Refused with STORE_UNFIT when it is no SecureString: everybody who may list could read it. */
  const look = async (client: SSMClient, call: Call): Promise<Answer<Now>> => {
    const { GetParameterCommand } = await sdk()
    try {
      const { Parameter } = await client.send(new GetParameterCommand({ Name, WithDecryption: true }), { abortSignal: call.signal })
      if (Parameter?.Value === undefined || Parameter.Version === undefined) return unknown('RESPONSE_UNFIT', about)
      if (Parameter.Type !== 'SecureString') return refused('STORE_UNFIT', `${about} is no SecureString`)
      return done({ revision: String(Parameter.Version), value: new Secret(Parameter.Value) })
    } catch (thrown) {
      if (errorNameOf(thrown) === 'ParameterNotFound') return done({ revision: ABSENT })
      throw thrown
    }
  }

  /** What a write has to say again, since it would fall back to the default otherwise: the key above all. */
  const attributes = async (client: SSMClient, call: Call): Promise<ParameterMetadata | undefined> => {
    const { DescribeParametersCommand } = await sdk()
    const { Parameters = [] } = await client.send(new DescribeParametersCommand({ ParameterFilters: [{ Key: 'Name', Option: 'Equals', Values: [Name] }] }), { abortSignal: call.signal })
    return Parameters.find((one) => one.Name === Name)
  }

  return {
    traits: { read: 'value', cas: false, keys: 'fixed' },
    identity: () => resourceKey('store', 'aws-ssm', config.endpoint ?? '', config.region, Name.replace(/^\//, '')),
    title: () => `AWS SSM parameter ${about}`,

    preflight: (call) => inSession(session, call, async (client) => {
      const now = await look(client, call)
      if (now.is !== 'done') return now
      if (now.value.value === undefined) return refused('STORE_MISSING', about)
      const kept = await attributes(client, call)
      if (kept === undefined) return refused('STORE_DENIED', `ssm:DescribeParameters of ${about}`)
      return done({ notices: ['Parameter Store has no conditional write: a change by somebody else in the same moment is seen right after it, and not prevented.'] })
    }),

    read: (keys, call) => inSession(session, call, async (client) => {
      const now = await look(client, call)
      if (now.is !== 'done') return now
      const { revision, value } = now.value
      return done({ entries: keys.includes(KEY) && value !== undefined ? { [KEY]: value } : {}, revision })
    }),

    accepts,

    write: (patch, ifRevision, call) => inSession(session, call, async (client) => {
      const fits = accepts(Object.fromEntries(Object.entries(patch).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]))))
      if (fits.is !== 'done') return fits
      const now = await look(client, call)
      if (now.is !== 'done') return now
      if (now.value.revision !== ifRevision) return refused('CONFLICT', about)
      return write(client, patch, now.value, call)
    }),

    // A write is one request: nothing can be left of it.
    tidy: async () => done(undefined),
  }

  function accepts(entries: Entries): Answer<void> {
    const strange = Object.keys(entries).find((key) => key !== KEY)
    if (strange !== undefined) return refused('STORE_UNFIT', `${about} has the one key \`${KEY}\``)
    const length = Buffer.byteLength(entries[KEY]?.reveal() ?? 'x')
    return length === 0 || length > ROOM.Advanced ? refused('VALUE_UNREADABLE', `${KEY} has to have 1 to ${ROOM.Advanced} bytes`) : done(undefined)
  }

  async function write(client: SSMClient, patch: Patch, now: Now, call: Call): Promise<Answer<{ readonly revision: string }>> {
    const { DeleteParameterCommand, PutParameterCommand } = await sdk()
    const value = patch[KEY]
    if (value === undefined || (value === null ? now.value === undefined : value.equals(now.value))) return done({ revision: now.revision })
    if (value === null) {
      await client.send(new DeleteParameterCommand({ Name }), { abortSignal: call.signal })
      return done({ revision: ABSENT })
    }
    // One that is gone does not come back with a key of our choice.
    if (now.value === undefined) return refused('STORE_MISSING', about)
    const kept = await attributes(client, call)
    if (kept === undefined) return refused('STORE_DENIED', `ssm:DescribeParameters of ${about}`)
    const tier = kept.Tier ?? 'Standard'
    if (Buffer.byteLength(value.reveal()) > ROOM[tier]) return refused('STORE_UNFIT', `the value is longer than the tier of ${about} holds`, { most: ROOM[tier] })
    const { KeyId, Description, AllowedPattern, DataType } = kept
    const { Version } = await client.send(new PutParameterCommand({
      Name, Value: value.reveal(), Type: 'SecureString', Overwrite: true, Tier: tier,
      ...(KeyId === undefined ? {} : { KeyId }), ...(Description === undefined ? {} : { Description }), ...(AllowedPattern === undefined ? {} : { AllowedPattern }), ...(DataType === undefined ? {} : { DataType }),
    }), { abortSignal: call.signal })
    if (Version === undefined) return unknown('RESPONSE_UNFIT', about)
    // Another version came between: ours is the newest, and the other one is in the history.
    if (String(Version) !== String(Number(now.revision) + 1)) return unknown('CONFLICT', about, { version: Version })
    return done({ revision: String(Version) })
  }
}
