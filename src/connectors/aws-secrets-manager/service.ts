import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Code } from '../../kit/code.ts'
import { Secret } from '../../kit/secret.ts'
import { askOnce, clientOptions, type Connection, optional, type Session } from '../../outside/aws/index.ts'

const PACKAGE = '@aws-sdk/client-secrets-manager'

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html#API_PutSecretValue_Errors */
const MEANINGS: Readonly<Record<string, Code>> = {
  ResourceNotFoundException: 'STORE_MISSING',
  LimitExceededException: 'STORE_FULL',
  DecryptionFailure: 'STORE_DENIED',
  EncryptionFailure: 'STORE_DENIED',
  // What it is in the way of is said by the caller.
  InvalidParameterException: 'REQUEST_REFUSED',
  InvalidRequestException: 'REQUEST_REFUSED',
  ResourceExistsException: 'CONFLICT',
}

/** One version of the secret. */
export interface Version {
  readonly id: string
  readonly text: Secret
}

/** What is known of the secret beside its values. */
export interface Described {
  /** Staging labels by the id of the version; versions without one are not listed. */
  readonly stages: ReadonlyMap<string, readonly string[]>
  readonly rotates: boolean
  /** Whole days between rotations, where they are timed so. */
  readonly days?: number
  /** Unix ms. */
  readonly lastRotated?: number
  /** Unix ms; it may already have passed: then a rotation is late. */
  readonly nextRotation?: number
}

/** One secret in AWS Secrets Manager. Every method is one request, and may be repeated. */
export interface Service {
  readonly about: string
  describe(call: Call): Promise<Answer<Described>>
  /** The version with this id, or with AWSCURRENT. Refused with STORE_UNFIT when it is no text. */
  get(id: string | undefined, call: Call): Promise<Answer<Version>>
  /** Makes a version with this id, which has AWSPENDING; repeated with the same text it changes nothing. */
  put(id: string, text: Secret, call: Call): Promise<Answer<void>>
  /** Moves a label: refused with CONFLICT when `from` does not have it. Without `to` it is taken away. */
  move(label: 'AWSCURRENT' | 'AWSPENDING', from: string, to: string | undefined, call: Call): Promise<Answer<void>>
  /** Has AWS begin a rotation, whose new version gets this id; repeated with the same one it begins no second one. */
  rotate(id: string, call: Call): Promise<Answer<void>>
}

/** Holds nothing open: each request has a client of its own. */
export function serviceOf(config: Connection & { readonly secret: string }, host: Pick<Host, 'resolve'>): Service {
  const SecretId = config.secret
  const about = `${nameOf(SecretId)} in ${config.region}`
  const session: Session<SecretsManagerClient> = {
    about,
    meanings: MEANINGS,
    async open(call) {
      const { SecretsManagerClient } = await sdk()
      return new SecretsManagerClient(await clientOptions(config, host, call))
    },
  }
  const sdk = () => optional(PACKAGE, () => import('@aws-sdk/client-secrets-manager'))
  const nothing = (answer: Answer<unknown>): Answer<void> => (answer.is === 'done' ? done(undefined) : answer)

  return {
    about,
    async describe(call) {
      const answer = await askOnce(session, call, async (client) => client.send(new (await sdk()).DescribeSecretCommand({ SecretId }), { abortSignal: call.signal }))
      if (answer.is !== 'done') return answer
      const { VersionIdsToStages = {}, RotationEnabled, RotationRules, LastRotatedDate, NextRotationDate, DeletedDate } = answer.value
      if (DeletedDate !== undefined) return refused('STORE_MISSING', `${about} is to be deleted`)
      return done({
        stages: new Map(Object.entries(VersionIdsToStages)),
        rotates: RotationEnabled === true,
        ...(RotationRules?.AutomaticallyAfterDays === undefined ? {} : { days: RotationRules.AutomaticallyAfterDays }),
        ...(LastRotatedDate === undefined ? {} : { lastRotated: LastRotatedDate.getTime() }),
        ...(NextRotationDate === undefined ? {} : { nextRotation: NextRotationDate.getTime() }),
      })
    },
    async get(id, call) {
      const answer = await askOnce(session, call, async (client) => {
        const { GetSecretValueCommand } = await sdk()
        return client.send(new GetSecretValueCommand({ SecretId, ...(id === undefined ? { VersionStage: 'AWSCURRENT' } : { VersionId: id }) }), { abortSignal: call.signal })
      })
      if (answer.is !== 'done') return answer
      const { VersionId, SecretString } = answer.value
      if (VersionId === undefined || SecretString === undefined) return refused('STORE_UNFIT', `${about} holds bytes, not a text`)
      return done({ id: VersionId, text: new Secret(SecretString) })
    },
    put: async (id, text, call) => nothing(await askOnce(session, call, async (client) => {
      const { PutSecretValueCommand } = await sdk()
      return client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken: id, SecretString: text.reveal(), VersionStages: ['AWSPENDING'] }), { abortSignal: call.signal })
    })),
    async move(label, from, to, call) {
      const answer = await askOnce(session, call, async (client) => {
        const { UpdateSecretVersionStageCommand } = await sdk()
        const asked = { SecretId, VersionStage: label, RemoveFromVersionId: from, ...(to === undefined ? {} : { MoveToVersionId: to }) }
        return client.send(new UpdateSecretVersionStageCommand(asked), { abortSignal: call.signal })
      })
      return answer.is === 'refused' && answer.code === 'REQUEST_REFUSED' ? refused('CONFLICT', `${about}: ${label} is on another version`) : nothing(answer)
    },
    rotate: async (id, call) => nothing(await askOnce(session, call, async (client) => {
      const { RotateSecretCommand } = await sdk()
      return client.send(new RotateSecretCommand({ SecretId, ClientRequestToken: id, RotateImmediately: true }), { abortSignal: call.signal })
    })),
  }
}

/** The name of a secret: an ARN ends with it, a dash and six characters. */
export function nameOf(secret: string): string {
  return /^arn:[^:]+:secretsmanager:[^:]+:\d+:secret:(.+)-\w{6}$/.exec(secret)?.[1] ?? secret
}

/** The version with this label; undefined when none has it. */
export function versionWith(stages: Described['stages'], wanted: string): string | undefined {
  return [...stages].find(([, labels]) => labels.includes(wanted))?.[0]
}
