import type { Socket } from 'node:net'
import { done, type Evidence } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Check, CheckResult } from '../../kit/check.ts'
import { durationOf } from '../../kit/duration.ts'
import { isLike } from '../../outside/anchored.ts'
import { causeOf, dial } from '../../outside/dial.ts'
import type { CheckConfig } from './manifest.ts'

/** A line that is longer is no banner. */
const LONGEST = 4096

/**
 * A check of whether a server takes connections and, where expected, of the first line that it sends. A refused connection is a
 * `fail`; no answer in time, a name that does not resolve, a cut connection are `inconclusive`. Evidence holds numbers and the name
 * of what is not met, nothing of what the server says.
 */
export function openCheck(config: CheckConfig, host: Pick<Host, 'now'>): Check {
  return {
    traits: { takesCredential: false },
    title: () => `tcp ${config.host}:${config.port}`,
    run: async (call) => {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(durationOf(config.timeout))])
      const began = host.now()
      const seen = await look(config, signal)
      return done({ ...seen, evidence: { took: host.now() - began, ...seen.evidence } })
    },
  }
}

async function look({ send, expect, ...endpoint }: CheckConfig, signal: AbortSignal): Promise<CheckResult> {
  let socket: Socket
  try {
    socket = await dial(endpoint, signal)
  } catch (thrown) {
    const cause = causeOf(thrown, signal)
    return cause === 'ECONNREFUSED' ? failed({ unmet: 'connect', cause }) : inconclusive(cause)
  }
  try {
    if (expect === undefined) return { verdict: 'pass', evidence: {} }
    if (send !== undefined) socket.write(send)
    return judge(await firstLine(socket), expect.banner)
  } catch (thrown) {
    return inconclusive(causeOf(thrown, signal))
  } finally {
    socket.destroy()
  }
}

function judge(line: string | undefined, banner: string): CheckResult {
  if (line === undefined) return failed({ unmet: 'length' })
  if (!isLike(line, banner)) return failed({ unmet: 'banner', length: line.length })
  return { verdict: 'pass', evidence: { length: line.length } }
}

/** Without its end; all that came when the server ended the connection before. Undefined when it is too long. */
async function firstLine(socket: Socket): Promise<string | undefined> {
  let text = ''
  for await (const piece of socket.setEncoding('latin1')) {
    text += String(piece)
    const end = text.indexOf('\n')
    if (end !== -1) return text.slice(0, end).replace(/\r$/, '')
    if (text.length > LONGEST) return undefined
  }
  return text
}

function failed(evidence: Evidence): CheckResult {
  return { verdict: 'fail', evidence }
}

function inconclusive(cause: string): CheckResult {
  return { verdict: 'inconclusive', evidence: { cause } }
}
