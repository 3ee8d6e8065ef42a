import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'
import type { WorldOptions } from './world.ts'

// What a log says since the change, and what a query answers under the new login.

const theatre = useTheatre()

const errors = { lines: '^ERROR ', example: 'ERROR auth: refused', atMost: 0 }

/** One consumer that writes a word into its log whenever it is restarted, and checks that look there and log in. */
const observed = (): WorldOptions => ({
  manifest: (secret, { run }) => {
    const restart = join(run, 'restart.sh')
    writeFileSync(restart, `#!/bin/sh\nread word < '${run}/says'\necho "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ) $word" >> '${run}/app.log'\n`, { mode: 0o700 })
    secret.consumers = [{ use: 'command', run: [restart], services: ['app'] }]
    secret.checks = [
      { use: 'sql', as: 'new', login: `postgres://{user}:{password}@127.0.0.1:${theatre.server.port}/postgres`, query: 'SELECT 1', expect: { equals: 1 } },
      { use: 'log', for: '1500ms', sources: [{ file: join(run, 'app.log'), prefix: String.raw`^\S+ ` }], expect: { errors } },
    ]
  },
})

const line = (word: string): string => `${new Date().toISOString()} ${word}\n`

it('an error of before is none of the change; one since then holds the rotation, and the way back is free (S2-13, S3-30, C-28)', async () => {
  const world = await theatre.open(observed())
  const says = (word: string): void => writeFileSync(join(world.run, 'says'), `${word}\n`)

  says('INFO started')
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 3, /a check is red before anything was changed: log .*app\.log/)

  appendFileSync(join(world.run, 'app.log'), line('ERROR long before'))
  const began = Date.now()
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /Done/)
  expect(Date.now() - began).toBeGreaterThanOrEqual(1_500)

  says('ERROR auth: refused')
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 6, /a check failed: log .*app\.log/)
  says('INFO started again')
  expectRun(await world.keyturn(['abort', 'database', '--wait']), 0, /Rolled back/)
  expectRun(await world.keyturn(['audit', 'verify']), 0)
})
