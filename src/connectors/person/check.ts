import { ask, refused } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check } from '../../kit/check.ts'
import { taskFrom } from '../../kit/task.ts'
import type { CheckConfig } from './manifest.ts'
import { goTo } from './place.ts'

/** Something that only a person can see. It takes no credential, so it is health and never proof; the word of who answers stands in the journal. */
export function openCheck(config: CheckConfig, _host: Host): Check {
  const { title, at } = config
  return {
    traits: { takesCredential: false, asks: true },
    title: () => `a person confirms: ${title}`,
    run: async (call) => {
      if (call.signal.aborted) return refused('DEADLINE', title)
      return ask(taskFrom('confirm', config, { title, steps: [...goTo(at), 'Look whether it is so; if not, decline and say why.'] }))
    },
  }
}
