import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { queryAt } from '../servers/postgres.ts'
import { leaksIn, processesOf } from './leaks.ts'
import { expectRun, useTheatre } from './theatre.ts'

const theatre = useTheatre()

/** A check that takes the credential: passes when the env file holds its password. Records what everybody can see of it. */
const CHECK = `
const { readFileSync, writeFileSync } = require('node:fs')
for (const what of ['cmdline', 'environ']) writeFileSync(process.argv[2] + '/check-' + process.pid + '-' + what, readFileSync('/proc/self/' + what))
const { fields } = JSON.parse(readFileSync(0, 'utf8'))
process.exit(readFileSync('.env', 'utf8').includes(fields.password) ? 0 : 1)
`

it('a whole rotation with commands of every kind leaves values in the env file and nowhere else, in no encoding (S0-02, X-08)', async () => {
  const world = await theatre.open({
    instances: 1,
    manifest: (secret, { run }) => {
      const script = join(run, 'check.cjs')
      writeFileSync(script, CHECK)
      secret.checks?.push({ use: 'command', run: [process.execPath, script, join(run, 'recorded')], credential: 'stdin', as: 'new', within: '5s' })
      secret.consumers?.push({ wave: [{ use: 'command', run: [join(run, 'record.sh'), '{services}'], services: ['worker', 'cron'] }] })
    },
  })
  expectRun(await world.keyturn(['plan', 'database', '--out', join(world.run, 'plan.json')]), 0)
  expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0, /command worker, cron/)
  expectRun(await world.keyturn(['show', await world.newest(), '--events', '--json']), 0)
  const recorded = readdirSync(world.recorded).map((name) => readFileSync(join(world.recorded, name), 'latin1'))
  expect(recorded.some((text) => text.includes('record.sh\0worker\0cron\0'))).toBe(true)
  expect(recorded.some((text) => text.includes('check.cjs\0'))).toBe(true)
  expect(recorded.some((text) => text.includes('PATH='))).toBe(true)
  expect(recorded.filter((text) => text.includes('PG_ADMIN_URL') || text.includes('KEYTURN_IDENTITY'))).toEqual([])
  expect(await world.leaks()).toEqual([])
})

it('the scan finds a planted value in every channel, and what was never published', async () => {
  const world = await theatre.openLeaky()
  const old = new URL(await world.stage.dsn()).password
  // A command that is handed the value: what it recorded has it. A rotation that is rolled back at once: what it minted is known, too.
  world.rewrite((secret) => {
    for (const check of secret.checks ?? []) check['env'] = { HANDED: '${env:HANDED}' }
  })
  const rolledBack = await world.keyturn(['rotate', 'database', '--wait'], { rehearse: 'refuse:mint', env: { HANDED: old } })
  expectRun(rolledBack, 5, /Rolled back/)
  expect(await world.leaks()).toEqual(expect.arrayContaining([expect.stringMatching(/^file run.recorded/)]))

  await world.keyturn(['show', `${old}`])
  mkdirSync(join(world.state, 'receipts'), { recursive: true })
  writeFileSync(join(world.state, 'receipts', 'note.txt'), Buffer.from(`x${old}`).toString('base64'))
  writeFileSync(join(world.stage.folder, 'plan.json'), JSON.stringify({ dsn: Buffer.from(old).toString('hex') }))
  await queryAt(world.server.adminUrl, `select '${old}'`)
  const db = new DatabaseSync(join(world.state, 'keyturn.db'))
  db.prepare('update event set body = json_set(body, \'$.leak\', ?) where seq = 2').run(old)
  db.close()
  const found = await world.leaks()
  for (const place of [
    'arguments of show', 'stderr of show', /^file app.\.keyturn.receipts.note/, 'file app/plan.json', 'log of the server',
    /^file app.\.keyturn.keyturn\.db/,
  ]) expect(found).toContainEqual(expect.stringMatching(place))
})

it('the scan finds a value in the environment and in the command line of a process', async () => {
  const value = 'c29tZXRoaW5nIGdlbmVyYXRlZA'
  for (const [args, env, place] of [[['-'], { HANDED: value }, 'process environ'], [['-', value], {}, 'process cmdline']] as const) {
    const child = spawn('cat', args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['pipe', 'ignore', 'ignore'] })
    await once(child, 'spawn')
    expect(leaksIn(processesOf([child.pid ?? 0]), [value])).toEqual([place])
    child.kill()
    await once(child, 'exit')
  }
})

it('the scan finds escape codes in a pipe, and NO_COLOR takes them away again', async () => {
  const world = await theatre.openLeaky()
  expectRun(await world.keyturn(['plan', 'database'], { env: { FORCE_COLOR: '1' } }), 0)
  expect(await world.leaks()).toEqual(['escape codes in plan database'])
  const plain = await world.keyturn(['plan', 'database'], { env: { NO_COLOR: '1' } })
  expect(plain.said).not.toContain('\u001B')
})
