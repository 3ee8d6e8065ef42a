import type { ByHand, ConsumerByHand } from '../../by-hand/index.ts'
import type { ConsumerConfig } from './manifest.ts'

/** Each receiver gets the value by the channel that was agreed on. */
export default { consumer } satisfies ByHand

function consumer({ receivers }: ConsumerConfig): ConsumerByHand {
  return {
    reload: () => Object.entries(receivers).map(([name, { person, how }]) => ({
      says: `Hand the new value over to \`${name}\`: to ${person}${how === undefined ? '' : `, by ${how}`}. Go on only when they say that it is in use there, and write down who said so, and when.`,
    })),
  }
}
