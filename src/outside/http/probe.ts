import { z } from 'zod'
import { type Answer, done, label, refused } from '../../kit/answer.ts'
import type { Call, Host } from '../../kit/call.ts'
import type { Credential, Verdict } from '../../kit/issuer.ts'
import { Secret } from '../../kit/secret.ts'
import { probePair } from '../probe-pair.ts'
import { type Contradiction, contradictionsIn, methodSchema, placeholdersIn, placeOf, requestShape, requestUrlSchema } from './described.ts'
import { isOneOf, matcherSchema } from './matcher.ts'
import { send } from './send.ts'

const matchers = z.array(matcherSchema)
const url = requestUrlSchema.describe('Where; `{id}` may stand in path and query, percent-encoded. No value ever.')

function differ(urls: readonly string[]): boolean {
  return new Set(urls.map(placeOf)).size === urls.length
}

/** A request that shows a credential to whoever checks it, and what the answers say. */
export const probeSchema = z.strictObject({
  url: z.union([url, z.array(requestUrlSchema).min(1).refine(differ, 'addresses that differ in host or path')]).describe('Where a credential is shown; several addresses are several endpoints.'),
  method: methodSchema('GET'),
  ...requestShape,
  accepted: matchers.min(1).default([200]).describe('Answers that say that it is accepted.'),
  rejected: matchers.min(1).default([401]).describe('Answers that say that it is rejected, and nothing else; looked at first. All others are inconclusive.'),
})

export type ProbeConfig = z.infer<typeof probeSchema>

/** Which fields of a credential are no secret. */
type Kinds = Readonly<Record<string, 'secret' | 'plain'>>

/** What does not fit together in a probe of credentials with these fields; paths are from the probe on. */
export function* contradictionsInProbe(probe: ProbeConfig, fields: Kinds): Iterable<Contradiction> {
  for (const one of [probe.url].flat()) yield* contradictionsIn({ ...probe, url: one }, ['id', ...Object.keys(fields)])
  if (!placeholdersIn({ ...probe, url: '' }).some((placeholder) => fields[placeholder] === 'secret')) {
    yield { path: [], message: 'a field that is secret in a header or the body: without it nothing is proven' }
  }
}

/** What an issuer calls the place where its values are accepted when only consumers can tell. */
export const CONSUMERS = 'consumers'

/** The part of an issuer that shows credentials. */
export interface Probing {
  readonly endpoints: readonly string[]
  /** See {@link Issuer.probe}: a connection of its own, with the credential and nothing of anybody else's. */
  probe(credential: Credential, endpoint: string, call: Call): Promise<Answer<Verdict>>
  /**
   * Whether at every endpoint a wrong credential is rejected and the current one accepted: only then does a verdict mean something
   * (I12). Done too where there is nothing to show it to.
   */
  prove(current: Credential, call: Call): Promise<Answer<void>>
}

/** Opens a probe; without a configuration only consumers can tell, and every verdict is inconclusive. */
export function openProbe(config: ProbeConfig | undefined, fields: Kinds, host: Pick<Host, 'resolve'>): Probing {
  const urls = new Map([config?.url ?? []].flat().map((each) => [placeOf(each), each]))
  const probe: Probing['probe'] = async (credential, endpoint, call) => {
    if (call.signal.aborted) return refused('DEADLINE', endpoint)
    const at = urls.get(endpoint)
    if (config === undefined || at === undefined) return done({ verdict: 'inconclusive', code: CONSUMERS })
    const answer = await send({ ...config, url: at }, {}, { ...credential.fields, id: new Secret(credential.id) }, host, call)
    if (answer.is !== 'done') return answer
    const verdict = isOneOf(config.rejected, answer.value) ? 'rejected' : isOneOf(config.accepted, answer.value) ? 'accepted' : 'inconclusive'
    return done({ verdict, code: String(answer.value.status) })
  }
  return {
    endpoints: urls.size === 0 ? [CONSUMERS] : [...urls.keys()],
    probe,
    prove: async (current, call) => {
      const shown = { current, wrong: wrongOf(fields, current) }
      return (await probePair(urls.keys(), (which, endpoint) => probe(shown[which], endpoint, call), meaningless)) ?? done(undefined)
    },
  }
}

function meaningless({ verdict, code }: Verdict, endpoint: string, wanted: string): Answer<never> {
  const evidence = { endpoint, code: label(code) }
  if (verdict === 'accepted') return refused('PROBE_MEANINGLESS', endpoint, evidence)
  if (verdict === 'rejected') return refused('CREDENTIAL_REJECTED', endpoint, evidence)
  return refused('PRECONDITION_FAILED', `${endpoint} gives no verdict on a credential that has to be ${wanted}`, evidence)
}

/** The same credential with every secret field wrong, in the shape of the right one. */
export function wrongOf(kinds: Kinds, { id, fields }: Credential): Credential {
  const wrong = Object.entries(fields).map(([name, value]) => [name, kinds[name] === 'secret' ? new Secret(changed(value.reveal())) : value] as const)
  return { id, fields: Object.fromEntries(wrong) }
}

const KINDS = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz', '0123456789']

/** Another character of the same kind in the middle: prefixes, checksums at the end and padding are less likely to be hit there. */
function changed(text: string): string {
  const middle = Math.floor(text.length / 2)
  const at = [...text].findIndex((character, index) => index >= middle && KINDS.some((kind) => kind.includes(character)))
  const kind = KINDS.find((each) => each.includes(text.charAt(at)))
  if (at === -1 || kind === undefined) return `${text}x`
  const other = kind.charAt((kind.indexOf(text.charAt(at)) + 1) % kind.length)
  return text.slice(0, at) + other + text.slice(at + 1)
}
