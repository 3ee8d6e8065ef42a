import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../demo/until.ts'
import { request } from '../../src/outside/http/index.ts'
import { callWithin } from '../../src/testing/call.ts'
import { freePort } from '../../src/testing/port.ts'
import { pypiPackage } from '../systems/parts/pypi.ts'

const VERSION = '5.2.5'

/** moto as a server, in an environment of its own. */
export const motoPart = pypiPackage('moto[server]', VERSION)

export interface Moto {
  readonly url: string
  /** As claims name it. */
  readonly version: string
  /** As if the network had gone: nothing is answered until {@link Moto.resume}. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** Starts one on a free port, with a memory of its own. With `auth` it looks at signatures and rights after so many requests. */
export async function startMoto(auth?: number): Promise<Moto> {
  const python = await motoPart.bring()
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-moto-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    cwd: folder, stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: folder, ...(auth === undefined ? {} : { INITIAL_NO_AUTH_ACTION_COUNT: String(auth) }) },
  })
  const exited = once(child, 'exit')
  const close = async (): Promise<void> => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('moto is there', 60_000, async () => {
      if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}`)
      const answer = await request({ method: 'GET', url: `${url}/moto-api/data.json` }, callWithin(5_000))
      return answer.is === 'done' && answer.value.status === 200 ? true : undefined
    })
  } catch (thrown) {
    await close()
    throw thrown
  }
  return { url, version: `moto ${VERSION}`, pause: () => { child.kill('SIGSTOP') }, resume: () => { child.kill('SIGCONT') }, close }
}
