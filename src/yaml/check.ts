import { closeBlock, openBlock } from './block.ts'
import { durationOf } from '../kit/duration.ts'
import type { CheckSpec } from '../manifest/model.ts'
import type { Reading } from './reading.ts'
import type { Path } from './source.ts'
import { checkWithin } from './timing.ts'

/** Reads one check of a secret; of the whole system (`preflight`) it takes no credential. */
export function readCheck(reading: Reading, kind: 'check' | 'preflight', path: Path): CheckSpec | undefined {
  const block = openBlock(reading, kind, path)
  if (block === undefined) return undefined
  const used = closeBlock(reading, kind, path, block)
  if (used === undefined || block.engine === undefined) return undefined
  const { within = checkWithin, for: lasting } = block.engine
  return { ...used, within: durationOf(within), ...(lasting === undefined ? {} : { for: durationOf(lasting) }), ...('as' in block.engine && block.engine.as === 'new' ? { as: 'new' } : {}) }
}
