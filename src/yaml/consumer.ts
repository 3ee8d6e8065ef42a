import { durationOf } from '../kit/duration.ts'
import type { CheckSpec, ConsumerSpec, Used } from '../manifest/model.ts'
import { readCheck } from './check.ts'
import { issuerAttestSchema, waveSchema } from './schema.ts'
import { fieldsOf, parseTemplate } from '../manifest/template.ts'
import { closeBlock, openBlock } from './block.ts'
import { valueAt } from './explain.ts'
import { asList, asMap, report, validate, type Reading } from './reading.ts'
import type { Path } from './source.ts'

/** Reads one entry of `consumers`: a wave, or a consumer by itself, which is a wave of one. */
export function readWave(reading: Reading, path: Path): readonly ConsumerSpec[] {
  const map = asMap(valueAt(reading.source.value, path))
  if (map === undefined || !('wave' in map)) return present([readConsumer(reading, path)])
  const pause = validate(reading, waveSchema, path)?.pause
  return present(asList(map.wave).map((_, index) => readConsumer(reading, [...path, 'wave', index], pause)))
}

/** The checks that stand behind the waves of this list, each with the wave behind which it does. */
export function readWaveChecks(reading: Reading, path: Path, waves: readonly unknown[]): readonly (CheckSpec | undefined)[] {
  return waves.flatMap((wave, after) => asList(asMap(wave)?.['checks']).map((_, index) => {
    const check = asMap(wave)?.['wave'] === undefined ? undefined : readCheck(reading, 'check', [...path, after, 'checks', index])
    return check === undefined ? undefined : { ...check, after }
  }))
}

function readConsumer(reading: Reading, path: Path, ofWave?: string): ConsumerSpec | undefined {
  const block = openBlock(reading, 'consumer', path)
  const hasAttest = valueAt(reading.source.value, [...path, 'attest']) !== undefined
  const attest = hasAttest ? readAttest(reading, [...path, 'attest']) : undefined
  const used = block === undefined ? undefined : closeBlock(reading, 'consumer', path, block)
  const pause = block?.engine?.pause ?? ofWave
  return used === undefined ? undefined : { ...used, ...(attest === undefined ? {} : { attest }), ...(pause === undefined ? {} : { pause: durationOf(pause) }) }
}

function readAttest(reading: Reading, path: Path): Used | undefined {
  const { use, ...config } = asMap(valueAt(reading.source.value, path)) ?? {}
  if (use !== 'issuer') {
    const block = openBlock(reading, 'attest', path)
    return block === undefined ? undefined : closeBlock(reading, 'attest', path, block)
  }
  const valid = validate(reading, issuerAttestSchema, path, config, ['use'])
  if (valid === undefined) return undefined
  const at = [...path, 'application']
  const parsed = parseTemplate(valid.application)
  if ('fault' in parsed) report(reading, at, 'value', parsed.fault.what, parsed.fault.write)
  else if (fieldsOf(valid.application).some((field) => field !== 'name')) {
    report(
      reading,
      at,
      'value',
      'an application is named by the instance only',
      '`{name}` where the name of the instance belongs',
    )
  }
  return { use, config: valid, place: reading.source.at(path) }
}

function present<T>(list: readonly (T | undefined)[]): readonly T[] {
  return list.filter((each) => each !== undefined)
}
