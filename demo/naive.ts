import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { escapeIdentifier, escapeLiteral } from 'pg'
import { login, randomPassword } from './database.ts'
import { loadRows, reasonsOf, said, seconds, seenSince, type Play } from './play.ts'
import { until } from './until.ts'

/** The time between two steps, milliseconds. */
interface Hands {
  /** From ALTER USER to the saved file. */
  readonly edit: number
  /** From the file to the first reload, and from each to the next. */
  readonly reload: number
}

/** A quick person with everything at hand, and a script that never waits. */
const person: Hands = { edit: 2_000, reload: 1_000 }
const script: Hands = { edit: 0, reload: 0 }

/**
 * Plays the procedure that is in most runbooks, under the same load and with the same graceful reload: once as a person does it,
 * once as a script does. What fails is counted, nothing is staged. Answers whether it could be played.
 */
export async function playNaive(play: Play): Promise<boolean> {
  const { stage, load, screen, signal } = play
  const began = { at: performance.now(), sessions: await stage.database.sessions() }
  await pause(2_000, undefined, { signal })

  screen.heading(`1. As a person does it: ${seconds(person.edit)} for the file, ${seconds(person.reload)} for each reload`)
  const first = await stage.dsn()
  await rotate(play, person)
  await pause(2_000, undefined, { signal })

  screen.heading('2. As a script does it: without a pause, ten times')
  const second = await stage.dsn()
  await rotate(play, script, 10)

  screen.heading('3. What it cost')
  const sessions = await stage.database.sessions() - began.sessions
  const logins = sessions * 1000 / (performance.now() - began.at)
  const report = await load.stop()
  screen.table([
    ...loadRows(report, logins, play.rate),
    ['password before act 1', said(await login(first))],
    ['password before act 2', said(await login(second))],
    ['rollback', 'none: the old passwords are overwritten'],
    ['receipt', 'none'],
  ])
  screen.line()
  screen.line('The same service, the same load and the same reload with keyturn: npm run demo')
  return true
}

/** Rotates so many times; shows the commands of the first time, and what all of them have cost. */
async function rotate(play: Play, hands: Hands, times = 1): Promise<void> {
  const { load, screen } = play
  const before = load.now()
  let gap = 0
  for (let n = 0; n < times; n += 1) gap += await rotateOnce(play, hands, n === 0 ? screen.command : () => undefined)
  const ended = performance.now()
  await until('the last failures are counted', 1_000, () => (performance.now() > ended + 250 ? true : undefined))

  const after = load.now()
  const reasons = reasonsOf(difference(before.reasons, after.reasons))
  screen.line(`Changed password to last reload: ${seconds(gap / times)}. Meanwhile ${seenSince(before, after)}: ${reasons}`)
}

/** ALTER USER, the file, a reload of each instance. Answers with the milliseconds from the first to the last of it. */
async function rotateOnce({ stage, signal }: Play, hands: Hands, show: (command: string) => void): Promise<number> {
  const { name } = stage.database
  const password = randomPassword()
  show(`psql -c "ALTER USER ${name} PASSWORD '...'"`)
  await stage.database.admin(`alter user ${escapeIdentifier(name)} password ${escapeLiteral(password)}`)
  const changed = performance.now()
  await pause(hands.edit, undefined, { signal })
  show('edit .env')
  const text = await readFile(stage.envFile, 'utf8')
  await writeFile(stage.envFile, text.replace(/^APP_DATABASE_URL=.*$/m, `APP_DATABASE_URL=${stage.database.dsn(name, password)}`))
  for (const instance of stage.instances) {
    await pause(hands.reload, undefined, { signal })
    show(`kill -HUP $(cat ${instance.name}.pid)`)
    const { reloads } = await instance.stats()
    instance.reload()
    await until(`${instance.name} has reloaded`, 10_000, async () => {
      const now = await instance.stats()
      return now.reloads > reloads ? true : undefined
    })
  }
  return performance.now() - changed
}

function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Record<string, number> {
  const grown = Object.entries(after).map(([reason, count]) => [reason, count - (before[reason] ?? 0)] as const)
  return Object.fromEntries(grown.filter(([, count]) => count > 0))
}
