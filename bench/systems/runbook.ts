import { setTimeout as pause } from 'node:timers/promises'
import { escapeIdentifier, escapeLiteral } from 'pg'
import { randomPassword } from '../../demo/database.ts'
import { runProgram } from '../../test/systems/parts/program.ts'
import type { Ground } from './ground.ts'
import type { Opened, Way } from './way.ts'

/** The time between two steps, milliseconds. */
interface Hands {
  /** From ALTER USER to the saved file. */
  readonly edit: number
  /** From the saved file to the reload. */
  readonly reload: number
}

/** What most runbooks say: ALTER USER, edit `.env`, reload. As a script without a pause, and as a quick person with everything at hand. */
export const runbooks: readonly Way[] = [
  way('runbook-script', 'runbook, as a script', { edit: 0, reload: 0 }, 'ALTER USER, edit .env, reload of both instances at once, by a script that never waits.'),
  way('runbook-hands', 'runbook, by hand', { edit: 2_000, reload: 1_000 }, 'The same by a quick person with everything at hand: 2 s for the file, 1 s until the reload.'),
]

function way(id: string, title: string, hands: Hands, note: string): Way {
  return { id, title, notes: [note], back: 'none: overwritten', receipt: 'none', open: (ground) => open(ground, hands) }
}

async function open(ground: Ground, hands: Hands): Promise<Opened> {
  await ground.write(ground.first)
  return {
    client: new URL('client.ts', import.meta.url),
    login: () => ground.read(),
    async rotate() {
      const from = performance.now()
      const { user } = ground.first
      const password = randomPassword()
      await ground.database.admin(`alter user ${escapeIdentifier(user)} password ${escapeLiteral(password)}`)
      await pause(hands.edit)
      await ground.write({ user, password })
      await pause(hands.reload)
      const [program = '', ...args] = ground.reload
      await runProgram(program, args)
      return { from, to: performance.now() }
    },
    close: async () => undefined,
  }
}
