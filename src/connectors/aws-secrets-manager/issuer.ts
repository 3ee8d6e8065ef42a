import { createHash } from 'node:crypto'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { type Call, type Host, resourceKey } from '../../kit/call.ts'
import { durationOf } from '../../kit/duration.ts'
import type { Credential, Issuer, Preflight } from '../../kit/issuer.ts'
import type { Fields } from '../../kit/secret.ts'
import { entriesOf } from './document.ts'
import type { IssuerConfig } from './manifest.ts'
import { type Described, nameOf, serviceOf, type Version, versionWith } from './service.ts'

/** The id of a credential that nobody has yet. */
const PENDING = 'pending'

/**
 * A secret that AWS rotates with its own function: asked for, awaited, collected. The tag of the attempt makes the id of the version,
 * so one attempt begins one rotation.
 */
export function openIssuer(config: IssuerConfig, host: Pick<Host, 'resolve' | 'conceal' | 'now'>): Issuer {
  const service = serviceOf(config, host)
  const { about } = service
  const name = nameOf(config.secret)

  /** Told by the fields that are no secret: alternating users differ by them, and a single one has one id. */
  const idOf = (fields: Fields): string | undefined => {
    const plain = Object.entries(config.fields).filter(([, kind]) => kind === 'plain').map(([field]) => fields[field]?.reveal())
    return plain.includes(undefined) ? undefined : [name, ...plain].join('/')
  }

  const credentialOf = (version: Version): Answer<Credential> => {
    const read = entriesOf(version.text, Object.keys(config.fields), about)
    if (read.is !== 'done') return read
    const missing = Object.keys(config.fields).find((field) => read.value[field] === undefined)
    if (missing !== undefined) return refused('STORE_UNFIT', `${about} has no ${missing}`)
    for (const [field, value] of Object.entries(read.value)) if (config.fields[field] === 'secret') host.conceal(value)
    const id = idOf(read.value)
    return id === undefined ? refused('STORE_UNFIT', about) : done({ id, fields: read.value })
  }

  const read = async (id: string | undefined, call: Call): Promise<Answer<Credential>> => {
    const version = await service.get(id, call)
    return version.is === 'done' ? credentialOf(version.value) : version
  }

  return {
    traits: {
      value: 'made', mint: 'triggers', acceptor: 'consumers', locate: 'none', slots: config.users === 'single' ? 1 : 2,
      settle: durationOf(config.settle), ends: [], fields: config.fields,
    },
    identity: () => resourceKey('principal', 'aws-secrets-manager', config.endpoint ?? '', config.region, name),
    endpoints: () => [`secretsmanager.${config.region}`],
    idOf,
    propose: () => ({ id: PENDING, fields: {} }),

    async preflight(current, _next, call) {
      const seen = await service.describe(call)
      if (seen.is !== 'done') return seen
      const now = await read(undefined, call)
      if (now.is !== 'done') return now
      if (now.value.id !== current.id) return refused('STORE_DRIFT', `AWSCURRENT of ${about} is of another user than the one in use`)
      return lookAhead(seen.value, about, host.now())
    },

    async observe(call) {
      const seen = await service.describe(call)
      if (seen.is !== 'done') return seen
      const labels = config.users === 'single' ? ['AWSCURRENT'] : ['AWSCURRENT', 'AWSPREVIOUS']
      const known = new Map<string, { readonly id: string; readonly state: 'on'; readonly uses: [] }>()
      for (const version of labels.map((label) => versionWith(seen.value.stages, label)).filter((id) => id !== undefined)) {
        const credential = await read(version, call)
        if (credential.is !== 'done') return credential
        known.set(credential.value.id, { id: credential.value.id, state: 'on', uses: [] })
      }
      // Secrets Manager does not know who uses what it gave away.
      return done({ known: [...known.values()], complete: true, seenUpTo: 0 })
    },

    async mint({ credential, tag }, call) {
      const seen = await service.describe(call)
      if (seen.is !== 'done') return seen
      const [version, { stages }] = [versionOf(tag), seen.value]
      if (stages.has(version)) return done({ credential, evidence: { began: 'before' } })
      const stuck = refuseStuck(stages, about)
      if (stuck !== undefined) return stuck
      const asked = await service.rotate(version, call)
      return asked.is === 'done' ? done({ credential, evidence: { began: 'now' } }) : asked
    },

    async collect(tag, call) {
      const seen = await service.describe(call)
      if (seen.is !== 'done') return seen
      const version = versionOf(tag)
      const labels = seen.value.stages.get(version)
      if (labels === undefined) return refused('NOT_NOW', `${about} knows no rotation of this attempt`)
      // It is finished when its version is the current one, or was it.
      if (!labels.includes('AWSCURRENT') && !labels.includes('AWSPREVIOUS')) return done({ evidence: { labels: labels.join(' ') } })
      const brought = await read(version, call)
      return brought.is === 'done' ? done({ credential: brought.value, evidence: { labels: labels.join(' ') } }) : brought
    },

    // The consumers and the checks that take a credential are its proof: what accepts it is not AWS.
    probe: async (_credential, _endpoint, call) => (call.signal.aborted ? refused('DEADLINE', about) : done({ verdict: 'inconclusive', code: 'no-acceptor' })),
    set: async () => refused('NOT_NOW', `what ${about} held before is ended by the next rotation of AWS`),
    close: async () => undefined,
  }
}

/** 32 to 64 characters; a tag is no secret. */
function versionOf(tag: string): string {
  return `keyturn-${createHash('sha256').update(tag).digest('hex').slice(0, 40)}`
}

/** Undefined when none is under way. A rotation whose function failed leaves AWSPENDING where it is, and AWS begins no other. */
function refuseStuck(stages: Described['stages'], about: string): Answer<never> | undefined {
  const pending = versionWith(stages, 'AWSPENDING')
  if (pending === undefined || pending === versionWith(stages, 'AWSCURRENT')) return undefined
  return refused('PRECONDITION_FAILED', `a rotation of ${about} is under way or stuck: AWSPENDING is on another version than AWSCURRENT. `
    + 'See the log of the rotation function and mend it, then take the label away with `aws secretsmanager update-secret-version-stage`, '
    + 'or rotate the principal by an issuer of its own')
}

function lookAhead(seen: Described, about: string, now: number): Answer<Preflight> {
  const stuck = refuseStuck(seen.stages, about)
  if (stuck !== undefined) return stuck
  if (!seen.rotates) return refused('PRECONDITION_FAILED', `${about} is not rotated by AWS: set up a rotation function first`)
  const { days, lastRotated, nextRotation } = seen
  const late = nextRotation !== undefined && nextRotation < now
  return done({
    evidence: { ...(days === undefined ? {} : { days }), ...(lastRotated === undefined ? {} : { lastRotatedDaysAgo: Math.floor((now - lastRotated) / 86_400_000) }), late },
    fenced: false,
    notices: [
      'AWS ends what was before: with a single user at once, with alternating ones at the next rotation. A check that takes a credential proves it.',
      ...(late ? [`The rotation of ${about} by AWS is late: see the log of its function.`] : []),
    ],
  })
}
