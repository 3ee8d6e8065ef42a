import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Arrived, setRig } from './rig.ts'

const HOUR = 3_600_000

/** The escalation table of a runbook: in which case what is done, and who is told of it. Nobody is told of anything else here. */
const ESCALATION = [
  { when: 'auth-failures', do: ['Go back to the previous secret, then look.'], contacts: ['On call: the pager'], link: 'https://runbooks.example/auth', to: ['ops'] },
  { when: 'leak', do: ['Open a security incident.'], contacts: ['#security'], to: ['ops'] },
  { when: 'auto-rotation-failed', do: ['Rotate by hand, and mend the function.'], contacts: ['#support'], to: ['ops'] },
]

const toldOf = (all: readonly Arrived[]): unknown[] => all.map(({ kind, severity, advice }) => [kind, severity, advice?.actions.at(-1), advice?.contacts.at(-1)])

it('a rotation after which a check fails stands still, and whoever is told reads what the table says; going back ends it (R-11, S3-59)', async () => {
  const rig = await setRig(undefined, { manifest: { escalation: ESCALATION }, secret: { notify: [], checks: [{ use: 'command', run: ['sha256sum', '-c', '--status', 'sums'], within: '100ms' }] } })
  const env = readFileSync(join(rig.desk.folder, '.env'))
  writeFileSync(join(rig.desk.folder, 'sums'), `${createHash('sha256').update(env).digest('hex')}  .env\n`)
  expect((await rig.run(['rotate', 'mail', '--wait'])).code).toBe(6)
  expect(toldOf(rig.arrived())).toEqual([['rotation-paused', 'critical', 'Go back to the previous secret, then look.', 'On call: the pager']])
  expect(rig.arrived()[0]).toMatchObject({ facts: { code: 'CHECK_FAILED' }, advice: { link: 'https://runbooks.example/auth' } })
  expect((await rig.run(['status'])).out).toMatch(/1\. Go back to the previous secret, then look\.\n\s+ask: On call: the pager\n\s+https:\/\/runbooks\.example\/auth/)
  // Back is what was asked for.
  expect((await rig.run(['abort', 'mail', '--wait'])).code).toBe(0)
  expect((await rig.run(['status'])).out).not.toContain('Go back to the previous secret')
  expect(rig.arrived()).toHaveLength(1)
  expect(rig.leaks()).toEqual([])
})

it('a rotation that the schedule cannot begin is told once a day, with the manual path (R-12, S3-61)', async () => {
  const rig = await setRig(undefined, { manifest: { escalation: ESCALATION, schedule: {} }, secret: { notify: [], every: '1h' } })
  expect((await rig.run(['rotate', 'mail', '--wait'])).code).toBe(0)
  expect(rig.arrived()).toEqual([])
  await rig.desk.server.stop()
  for (const _ of [1, 2]) expect((await rig.run(['run', '--once'], 2 * HOUR)).code).not.toBe(0)
  await rig.desk.server.start()
  expect(toldOf(rig.arrived()).toSorted()).toEqual([
    ['rotation-unbegun', 'warning', 'Rotate by hand, and mend the function.', '#support'], ['secret-overdue', 'warning', 'Rotate by hand, and mend the function.', '#support'],
  ])
  expect(rig.leaks()).toEqual([])
})

it('an emergency is told at once, and its incident again until it is closed (R-10, S3-60)', async () => {
  const rig = await setRig(undefined, { manifest: { escalation: ESCALATION }, secret: { notify: [] } })
  const ran = await rig.run(['emergency', 'mail', '--reason', 'seen in a log', '--leak', 'https://git.example/commit/1', '--yes'])
  expect(ran.code, ran.said).toBe(0)
  expect(toldOf(rig.arrived())).toEqual([['emergency-opened', 'critical', 'Open a security incident.', '#security']])
  await rig.run(['run', '--once'], 25 * HOUR)
  expect(toldOf(rig.arrived()).slice(1)).toEqual([['incident-open', 'warning', 'Open a security incident.', '#security']])
  expect(rig.leaks()).toEqual([])
})
