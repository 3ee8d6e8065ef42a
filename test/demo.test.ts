import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../demo/until.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-demo-'))
  await chmod(folder, 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('npm run demo: two rotations under load, one killed, no request fails, old passwords dead, nothing left behind', async () => {
  const demo = startDemo()
  const shown = text(demo.stdout)
  const [code] = await once(demo, 'exit')
  const told = await shown

  expect(told).toMatch(/^ {2}failed +0$/m)
  expect(told.match(/password before act \d +rejected by the server, SQLSTATE 28P01/g)).toHaveLength(2)
  expect(told).toContain('ended by SIGKILL')
  expect(told.match(/^ {2}receipt .*: verified$/gm)).toHaveLength(2)
  expect(code).toBe(0)
  await expectNothingLeft()
}, 90_000)

it('npm run demo -- --naive: the classic procedure loses requests to 28P01', async () => {
  const demo = startDemo('--naive')
  const shown = text(demo.stdout)
  const [code] = await once(demo, 'exit')

  const told = await shown
  expect(told).toMatch(/^ {2}failed +[\d,]+: /m)
  // A busy machine may add a few that took too long.
  const [, failed = '0'] = /^ {2}failed .* ([\d,]+) times 500 28P01\b/m.exec(told) ?? []
  expect(Number(failed.replace(',', '')), told).toBeGreaterThan(100)
  expect(code).toBe(0)
  await expectNothingLeft()
}, 60_000)

it.each(['Starting', '$ keyturn rotate'])('takes everything away when it is interrupted at "%s"', async (moment) => {
  const demo = startDemo()
  let told = ''
  demo.stdout.setEncoding('utf8').on('data', (chunk: string) => { told += chunk })
  await until(moment, 30_000, () => (told.includes(moment) ? true : undefined))
  demo.kill('SIGINT')
  const [code] = await once(demo, 'exit')

  expect(code).toBe(130)
  await expectNothingLeft()
}, 60_000)

function startDemo(...args: string[]): ReturnType<typeof spawn> & { stdout: NodeJS.ReadableStream } {
  const main = join(import.meta.dirname, '..', 'demo', 'main.ts')
  const env = { ...process.env, TMPDIR: folder }
  return spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
}

/** No file, and no process that was started with a path in the folder. */
async function expectNothingLeft(): Promise<void> {
  expect((await readdir(folder)).filter((name) => name !== 'node-compile-cache')).toEqual([])
  expect(await processesNaming(folder)).toEqual([])
}

async function processesNaming(path: string): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(path))
}
