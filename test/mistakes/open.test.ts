import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { randomPassword } from '../../demo/database.ts'
import { until } from '../../demo/until.ts'
import { expectRun, useTheatre } from '../worlds/theatre.ts'

// Values in the open: in command lines that everybody can read, and in files that come out with the umask of the shell.

const theatre = useTheatre()

/** Looks at the process list without a pause until it is told to stop, and answers every command line that it saw. */
function watchProcesses(): { readonly seen: ReadonlySet<string>; stop(): Promise<void> } {
  const seen = new Set<string>()
  const watching = new AbortController()
  const ended = (async () => {
    while (!watching.signal.aborted) {
      for (const file of globSync('/proc/[0-9]*/cmdline')) {
        try {
          seen.add(readFileSync(file, 'latin1').replaceAll('\0', ' '))
        } catch {
          // It has ended since it was listed.
          continue
        }
      }
      await setImmediate()
    }
  })()
  return {
    seen,
    stop: async () => {
      watching.abort()
      await ended
    },
  }
}

describe('the process list', () => {
  it('shows the password of `psql -c "ALTER USER ..."` to everybody; of a whole rotation by keyturn, with commands of all kinds, it shows none (C-01)', async () => {
    const password = randomPassword()
    const first = watchProcesses()
    const runbook = spawn('sh', ['-c', 'sleep 60', 'psql', '-c', `ALTER USER app WITH PASSWORD '${password}'`])
    await until('the watcher sees it', 20_000, () => ([...first.seen].some((line) => line.includes(password)) ? true : undefined))
    runbook.kill()
    await Promise.all([once(runbook, 'exit'), first.stop()])

    const world = await theatre.open({ instances: 1 })
    const old = await world.stage.dsn()
    const second = watchProcesses()
    expectRun(await world.keyturn(['rotate', 'database', '--wait']), 0)
    await second.stop()
    const values = [old, await world.stage.dsn(), world.server.adminUrl].map((dsn) => new URL(dsn).password)
    expect([...second.seen].some((line) => line.includes('rotate database --wait'))).toBe(true)
    expect([...second.seen].filter((line) => values.some((value) => line.includes(value)))).toEqual([])
  })
})

describe('a umask of 022', () => {
  it('makes `new-jwt-secret.txt` and the backup readable by everybody, whatever the env file was; all that keyturn makes is for its owner alone (C-02)', async () => {
    const world = await theatre.open({ instances: 1, pace: { grace: '45s' } })
    const folder = world.stage.folder
    execFileSync('sh', ['-c', 'umask 022; head -c 32 /dev/urandom | base64 > new-jwt-secret.txt; tar -czf secrets_backup.tar.gz .env; rm -f recheck'], { cwd: folder })
    const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8)
    expect([mode(world.stage.envFile), mode(join(folder, 'new-jwt-secret.txt')), mode(join(folder, 'secrets_backup.tar.gz'))]).toEqual(['600', '644', '644'])
    execFileSync('rm', ['new-jwt-secret.txt', 'secrets_backup.tar.gz'], { cwd: folder })

    // Killed when the most of it is on disk, and again when all is over.
    const began = readdirSync(folder)
    const ran = await world.keyturn(['rotate', 'database'], { rehearse: 'kill:publish:0/after-effect' })
    expect(ran.signal).toBe('SIGKILL')
    const made = (): string[] => [world.state, join(dirname(folder), 'keys'), join(dirname(folder), 'tmp')]
      .flatMap((root) => readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)))
    expect(made().length).toBeGreaterThan(1)
    expect(made().filter((file) => (statSync(file).mode & 0o077) !== 0)).toEqual([])
    expectRun(await world.keyturn(['resume']), 4)
    expect(made().filter((file) => (statSync(file).mode & 0o077) !== 0)).toEqual([])
    expect((statSync(world.state).mode & 0o777).toString(8)).toBe('700')
    expect([mode(world.stage.envFile), readdirSync(folder).filter((name) => !began.includes(name))]).toEqual(['600', ['.keyturn']])
  })
})
