import { type Code, CODES } from '../kit/index.ts'
import type { Manifest } from '../manifest/model.ts'
import { byNotifier } from '../operations/notify.ts'
import { failedNotices } from '../outbox/outbox.ts'
import type { State } from '../state/open.ts'
import { openConnector } from '../steps/cast.ts'
import type { Planner } from '../engine/rotate.ts'
import { fine, finding, type Found, notice, thrownAt } from './finding.ts'

/** Whether there are people to tell, and what did not reach them. Sends nothing. */
export async function examineNotifiers(planner: Planner, manifest: Manifest, state: State | undefined): Promise<Found[]> {
  const { notifiers } = manifest
  if (notifiers === undefined) {
    const named = new Set(Object.values(manifest.secrets).flatMap(({ notify = [] }) => notify))
    return named.size === 0 ? [] : [notice('notifier', [...named].join(', '), 'nobody is told: the manifest names them under `notify`, and has no `notifiers`')]
  }
  const failed = state === undefined ? [] : byNotifier(await failedNotices(state.db, manifest, planner.now()))
  return Promise.all(Object.entries(notifiers).map(async ([name, used]): Promise<Found> => {
    try {
      const title = (await openConnector(planner.registry, planner.host(manifest.base), 'notifier', used)).title()
      const { failing = 0, givenUp = 0, code = '' } = failed.find((each) => each.notifier === name) ?? {}
      if (failing + givenUp === 0) return fine('notifier', name, `${title}; \`keyturn notify test ${name}\` tries it`)
      return finding('warning', 'notifier', name, Object.hasOwn(CODES, code) ? (code as Code) : 'NOTICE_REFUSED', `${title}: ${failing} to be sent again, ${givenUp} given up`, 'See `keyturn notify list`, mend it, and try it with `keyturn notify test`.')
    } catch (thrown) {
      return thrownAt('notifier', name, thrown)
    }
  }))
}
