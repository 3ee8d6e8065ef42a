import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ran } from './cli.ts'
import { login } from './database.ts'
import { endOf, loadRows, perform, said, type Play } from './play.ts'

/** The store has been written and its record has not: the worst moment there is. */
const worstMoment = 'kill:publish:0/after-effect'

/**
 * Plays two rotations under load, the second one killed in the middle, and sums up what was proven. Answers whether all of it
 * went as promised.
 */
export async function playRotation(play: Play): Promise<boolean> {
  const { stage, load, screen } = play
  const began = { at: performance.now(), sessions: await stage.database.sessions() }
  const wrong: string[] = []
  const expectEnd = (what: string, ran: Ran, right: boolean): void => {
    if (!right) wrong.push(`${what}: ${endOf(ran)}`)
  }

  screen.heading('1. The plan: what would happen. Nothing is changed.')
  const planned = await perform(play, ['plan', 'database'])
  expectEnd('plan', planned, planned.code === 0)

  screen.heading('2. A rotation while the service works')
  const first = await stage.dsn()
  const rotated = await perform(play, ['rotate', 'database', '--wait'])
  expectEnd('rotate', rotated, rotated.code === 0)

  screen.heading('3. Another one, killed in the middle: the store is written, the record of it is not')
  const second = await stage.dsn()
  const killed = await perform(play, ['rotate', 'database', '--wait'], worstMoment)
  expectEnd('rotate, killed', killed, killed.signal === 'SIGKILL')
  const resumed = await perform(play, ['resume', '--wait'])
  expectEnd('resume', resumed, resumed.code === 0)

  screen.heading('4. What was proven')
  const receipts = await receiptsOf(stage.folder)
  const audits: string[] = []
  for (const args of [['audit', 'verify'], ...receipts.map((file) => ['audit', 'verify', '--receipt', file])]) {
    const audited = await perform(play, args)
    expectEnd(args.join(' '), audited, audited.code === 0)
    audits.push(audited.code === 0 ? 'verified' : 'NOT VERIFIED')
  }
  const old = [await login(first), await login(second)]
  const current = await login(await stage.dsn())
  const sessions = await stage.database.sessions() - began.sessions
  const logins = sessions * 1000 / (performance.now() - began.at)
  const report = await load.stop()
  screen.table([
    ...loadRows(report, logins, play.rate),
    ['password before act 2', said(old[0])],
    ['password before act 3', said(old[1])],
    ['password now', said(current)],
    ['journal', audits[0] ?? ''],
    ...receipts.map((file, n): [string, string] => ['receipt', `${join(stage.folder, file)}: ${audits[n + 1]}`]),
  ])

  if (report.failed > 0) wrong.push(`${report.failed} requests failed`)
  if (current !== 'accepted') wrong.push('the password that is in the store is not accepted')
  if (old.includes('accepted')) wrong.push('an old password is still accepted')
  if (first === second || second === await stage.dsn()) wrong.push('a rotation did not change the store')
  if (receipts.length !== 2) wrong.push(`${receipts.length} receipts, not 2`)
  screen.line()
  for (const what of wrong) screen.line(`Not as promised: ${what}`)
  if (wrong.length === 0) screen.line('Two rotations, one of them killed: no request failed, both old passwords are dead.')
  return wrong.length === 0
}

/** Paths from the manifest's folder, the oldest first. */
async function receiptsOf(folder: string): Promise<string[]> {
  const place = join('.keyturn', 'receipts')
  const names = await readdir(join(folder, place)).catch(() => [])
  const dated = await Promise.all(names.filter((name) => name.endsWith('.json')).map(async (name) => {
    const { mtimeMs } = await stat(join(folder, place, name))
    return { file: join(place, name), mtimeMs }
  }))
  return dated.toSorted((a, b) => a.mtimeMs - b.mtimeMs).map(({ file }) => file)
}
