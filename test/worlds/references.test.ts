import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'
import type { RunChoice, World } from './world.ts'

const theatre = useTheatre()

/** The admin comes from where the reference leads, and from nowhere else. */
const NO_VARIABLE: RunChoice = { env: { PG_ADMIN_URL: undefined } }

/** A file with the URL of the admin in it, which is the one place where it may lie. */
function keepAdmin(world: World, mode: number): string {
  const file = join(world.run, 'admin-url')
  writeFileSync(file, `${world.server.adminUrl}\n`)
  chmodSync(file, mode)
  world.allow(file)
  return file
}

it('an admin that a command prints is asked for at every use, and shown nowhere (X-14, C-01)', async () => {
  const world = await theatre.open({ manifest: (secret, { run }) => { secret.issuer['admin'] = `\${exec:'${join(run, 'admin.sh')}' show db/admin}` } })
  const file = keepAdmin(world, 0o600)
  writeFileSync(join(world.run, 'admin.sh'), `#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ > '${world.recorded}'/admin-$$\ncat '${file}'\n`, { mode: 0o700 })
  expectRun(await world.keyturn(['rotate', 'database', '--wait'], NO_VARIABLE), 0, /Done: /)
  const recorded = readdirSync(world.recorded).filter((name) => name.startsWith('admin-')).map((name) => readFileSync(join(world.recorded, name), 'latin1'))
  expect(recorded.length).toBeGreaterThan(3)
  expect(recorded.every((text) => text.includes('admin.sh\0show\0db/admin\0') && !text.includes('KEYTURN_IDENTITY'))).toBe(true)

  writeFileSync(join(world.run, 'admin.sh'), `#!/bin/sh\ncat '${file}'\ncat '${file}' >&2\nexit 7\n`)
  const failed = await world.keyturn(['plan', 'database'], NO_VARIABLE)
  expectRun(failed, 3, /COMMAND_FAILED a command ended with another exit code than 0: \$\{exec:admin\.sh \.\.\.\}: exit code 7/)
  expect(failed.said).not.toContain('db/admin')
})

it('an admin in a file that everybody may read is told of once, and used', async () => {
  const world = await theatre.open({ manifest: (secret, { run }) => { secret.issuer['admin'] = `\${file:${join(run, 'admin-url')}}` } })
  const file = keepAdmin(world, 0o644)
  const ran = await world.keyturn(['rotate', 'database', '--wait', '--json'], NO_VARIABLE)
  expectRun(ran, 0)
  expect(ran.json()).toMatchObject({ is: 'closed', result: 'done' })
  expect(ran.err.split('\n').filter((line) => line.includes(file))).toEqual([`${file} can be read by every user of this machine: chmod o-r`])
})
