import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { proving } from '../../../test/systems/claims.ts'
import type { Check } from '../../kit/check.ts'
import { ALNUM, generate } from '../../kit/generate.ts'
import { callWithin } from '../../testing/call.ts'
import { checkSuite, type CheckWorld } from '../../testing/check.ts'
import { valueOf } from '../../testing/consumer.ts'
import { until } from '../../testing/until.ts'
import { type FakeGreeter, startGreeter } from './fake.ts'
import { openCheck } from './index.ts'
import { checkSchema } from './manifest.ts'

const open = (config: object): Check => openCheck(checkSchema.parse({ host: '127.0.0.1', ...config }), { now: () => Date.now() })

async function world(config: object, after: string): Promise<CheckWorld> {
  const greeter = await startGreeter()
  const shown = generate(ALNUM, 32)
  Object.assign(greeter, { banner: `220 ${shown} ready\r\n`, after })
  const { port } = greeter
  return {
    check: open({ port, ...config, expect: { banner: '220 \\w+ ready' } }),
    wrong: open({ port, ...config, expect: { banner: '220 \\w+' } }),
    shown: [shown],
    break: async (fault) => {
      if (fault === 'gone') await greeter.close()
      else greeter.fault = fault
    },
    close: greeter.close,
  }
}

checkSuite(proving({ connector: 'tcp', as: 'check', on: 'fake' }), 'tcp', () => world({}, ''))
checkSuite(proving({ connector: 'tcp', as: 'check', on: 'fake' }), 'tcp with a question', () => world({ send: 'PING\r\n' }, 'PING\r\n'))

async function started(set: Partial<FakeGreeter> = {}): Promise<FakeGreeter> {
  const greeter = await startGreeter()
  onTestFinished(greeter.close)
  return Object.assign(greeter, set)
}

/** Verdict, and what is not met or why nothing was seen. */
async function look(config: object): Promise<string> {
  const { verdict, evidence } = valueOf(await open(config).run(callWithin(10_000)))
  return [verdict, evidence['unmet'], evidence['cause']].filter((part) => part !== undefined).join(' ')
}

describe('a tcp check', () => {
  it('passes when the connection is taken, and fails when it is refused', async () => {
    const { port, close, open: connections } = await started()
    expect(await look({ port, timeout: '60s' })).toBe('pass')
    await until(() => connections() === 0, 5_000)
    await close()
    expect(await look({ port })).toBe('fail connect ECONNREFUSED')
  })

  it('sees nothing while nobody takes the connection, and ends at its own timeout', async () => {
    // A process that never comes back to its loop: the system takes as many connections as its backlog holds, and no more.
    const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
      require('fs').writeSync(1, this.address().port + '\\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
    })`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => { child.kill('SIGKILL') })
    const [said] = await once(child.stdout, 'data')
    const port = Number(String(said))
    const verdicts = await Promise.all(Array.from({ length: 8 }, () => look({ port, timeout: '1s' })))
    expect(new Set(verdicts)).toEqual(new Set(['pass', 'inconclusive DEADLINE']))
  })

  it('needs the whole first line to be as expected, and nothing of the next ones', async () => {
    const { port } = await started({ banner: 'SSH-2.0-server\nmore\n' })
    expect(await look({ port, expect: { banner: 'SSH-2\\.0-\\w+' } })).toBe('pass')
    expect(await look({ port, expect: { banner: 'SSH-2\\.0' } })).toBe('fail banner')
    expect(await look({ port, expect: { banner: '.*more' } })).toBe('fail banner')
  })

  it('takes what came when the server ends without a line end, which may be nothing', async () => {
    const greeter = await started({ fault: 'mute' })
    expect(await look({ port: greeter.port, expect: { banner: '220 .*' } })).toBe('fail banner')
  })

  it('does not read for ever', async () => {
    const { port } = await started({ fault: 'endless' })
    expect(await look({ port, expect: { banner: 'x+' } })).toBe('fail length')
  })

  it('leaves no connection open', async () => {
    const greeter = await started({ fault: 'slow' })
    expect(await look({ port: greeter.port, expect: { banner: 'x' }, timeout: '50ms' })).toBe('inconclusive DEADLINE')
    await until(() => greeter.open() === 0)
  })

  it('cannot look where no way leads', async () => {
    expect(await look({ host: '255.255.255.255', port: 9 })).toMatch(/^inconclusive E[A-Z]+$/)
  })

  it('takes no address with a scheme, no expectation that always holds, and no question without an answer', () => {
    const parse = (config: object): boolean => checkSchema.safeParse({ host: 'db', port: 5432, ...config }).success
    expect([{}, { host: '::1' }, { send: 'x', expect: { banner: 'x' } }].map(parse)).toEqual([true, true, true])
    const bad = [{ host: 'tcp://db' }, { host: '' }, { port: 0 }, { send: 'x' }, { expect: {} }, { expect: { banner: '.*' } }, { send: '${env:X}', expect: { banner: 'x' } }]
    expect(bad.filter(parse)).toEqual([])
  })
})
