import type { z } from 'zod'
import type { Strategy } from '../kit/index.ts'
import type { Binding, Timing } from '../manifest/model.ts'
import { valueAt } from './explain.ts'
import { asList, report, type Reading } from './reading.ts'
import type { defaultsSchema, secretSchema } from './schema.ts'
import type { Path } from './source.ts'

/** What of a secret says how two keys meet. */
export interface Keys {
  readonly written: z.output<typeof secretSchema>
  readonly defaults: z.output<typeof defaultsSchema>
  readonly strategy: Strategy
  readonly timing: Timing
  /** Of all its stores. */
  readonly bindings: readonly Binding[]
}

const OVERLAPS: readonly Strategy[] = ['overlap', 'alternate', 'provider-managed']

/**
 * Reports what does not fit together of a strategy, of where the other key is kept while two are accepted, and of how long that is. A
 * grace that is shorter than the life of a token would refuse tokens that are good.
 */
export function checkKeys(reading: Reading, path: Path, keys: Keys): void {
  const { written, strategy, bindings } = keys
  const slots = new Set(bindings.flatMap(({ slot }) => slot ?? []))
  if (strategy === 'dual-key') return checkDual(reading, path, keys, slots)
  if (written.tokens !== undefined) report(reading, [...path, 'tokens'], 'key', '`tokens` is for `dual-key` only', '`strategy: dual-key` under `issuer`, or leave it out')
  if (slots.has('previous') || slots.has('jwks')) {
    report(reading, [...path, 'stores'], 'key', `under \`${strategy}\` nobody accepts two keys that we make`, '`strategy: dual-key` under `issuer`, or a binding without `previous` and `jwks`')
  } else if (slots.size > 0 && !OVERLAPS.includes(strategy)) {
    report(reading, [...path, 'stores'], 'key', `under \`${strategy}\` there is no time in which both are accepted`, 'a binding without `new` and `old`')
  }
}

function checkDual(reading: Reading, path: Path, { written, defaults, timing, bindings }: Keys, slots: ReadonlySet<string>): void {
  const { tokens } = written
  if (tokens === undefined) {
    report(reading, path, 'key', 'nobody knows how long what the key signs is alive', '`tokens: { life: 24h }` with the longest life of a token, a session or a retry')
  } else if (timing.tokens !== undefined && timing.grace < timing.tokens.life) {
    const at = written.grace === undefined ? ['defaults', 'grace'] : [...path, 'grace']
    report(reading, at, 'value', `the grace is shorter than the life of a token, \`${tokens.life}\`: tokens that are good would be refused`, `\`grace: ${tokens.life}\`${written.grace === undefined && defaults.grace !== undefined ? ' in this secret' : ''} or longer`)
  }
  if (slots.has('jwks') && tokens !== undefined && tokens.cache === undefined) {
    report(reading, [...path, 'tokens'], 'key', 'nobody knows how long verifiers keep a key set that they fetched', '`cache: 10m` in `tokens` with the time after which the last of them fetches it again; `0s` when they read it when they are reloaded')
  }
  if (slots.size === 0 && bindings.length > 0) {
    report(reading, [...path, 'stores'], 'key', 'no store has a place for the other key while two are accepted', '`KEY_PREVIOUS: { previous: "{value}" }` or `{ jwks: "{jwk}" }` in the `bind` of a store')
  }
  if (asList(valueAt(reading.source.value, [...path, 'consumers'])).length === 0) {
    report(reading, path, 'key', 'nobody is named who checks what the key signs', '`consumers:` with all who do: nobody else can prove that a key is accepted')
  }
}
