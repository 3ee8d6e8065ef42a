import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectRun, useTheatre } from './theatre.ts'

// What somebody does on the first day.

const theatre = useTheatre()

describe('an attest that looks in the wrong place', () => {
  it('is refused before anything is changed, and names what was looked for', async () => {
    const world = await theatre.open({
      instances: 1,
      manifest: (secret) => {
        for (const wave of secret.consumers ?? []) {
          for (const consumer of wave['wave'] as Record<string, unknown>[]) consumer['attest'] = { use: 'issuer', application: 'nobody' }
        }
      },
    })
    const before = await world.photo()
    expectRun(await world.keyturn(['rotate', 'database']), 3, /atlas-1 has no session named nobody/, /nothing was changed/)
    expect(await world.photo()).toEqual(before)
  })
})

describe('a reader that goes away', () => {
  it('does not stop a rotation: `keyturn rotate | head -1` ends it', async () => {
    const world = await theatre.open()
    const old = await world.stage.dsn()
    const cli = join(import.meta.dirname, '../../bin/keyturn.js')
    const child = spawn('bash', ['-c', `'${process.execPath}' '${cli}' rotate database --wait | head -n 1; exit \${PIPESTATUS[0]}`], {
      cwd: world.stage.folder, env: { PATH: process.env['PATH'], ...world.stage.environment }, stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString() })
    const code = await new Promise((resolve) => { child.on('close', resolve) })
    expect(said).not.toContain('EPIPE')
    expect(code, said).toBe(0)
    expect(await world.login(old)).toBe('28P01')
  })
})
