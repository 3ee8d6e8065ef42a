import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import { reduceCause } from '../../kit/error.ts'
import { tlsOptions } from '../http/index.ts'
import type { Cluster, Time } from './cluster.ts'
import { outcomeOf } from './outcome.ts'
import { pathOf } from './resource.ts'

/** So much of what a command prints is kept; more is no answer. */
const OUTPUT_BYTES = 1024 * 1024

/** Streams of a message by its first byte (https://kubernetes.io/docs/reference/command-line-tools-reference/, `remotecommand`). */
const [STDOUT, OUTCOME] = [1, 3]

/** A command in a container. It stands in the URL, which audit logs keep: never a value. */
export interface PodCommand {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly command: readonly string[]
}

export interface PodCommandEnd {
  readonly exit: number
  /** May hold what the container prints: to be matched, never to be passed on. */
  readonly stdout: string
}

const outcomeSchema = z.looseObject({
  status: z.string(),
  reason: z.string().optional(),
  details: z.looseObject({ causes: z.array(z.looseObject({ reason: z.string().optional(), message: z.string().optional() })).nullish() }).nullish(),
})

/**
 * Runs a command in a container to its end, over a WebSocket. Done with any exit code. `refused` RIGHTS_MISSING needs `get` and, from
 * 1.35 on, `create` of `pods/exec`; COMMAND_MISSING when the container has no such program; other refusals as for `outcomeOf`.
 * `unknown` when the connection ends before the command. Never throws.
 */
export async function execInPod(cluster: Cluster, { namespace, pod, container, command }: PodCommand, call: Time): Promise<Answer<PodCommandEnd>> {
  const about = `${pod} in ${namespace}`
  if (call.signal.aborted) return refused('DEADLINE', about)
  const { server, tls, token: show } = cluster.connection
  const token = show?.() ?? done(undefined)
  if (token.is !== 'done') return token
  const resource = { api: 'v1', kind: 'pods', namespace, name: pod, part: 'exec' }
  const query = new URLSearchParams([['container', container], ['stdout', 'true'], ['stderr', 'true'], ...command.map((word): [string, string] => ['command', word])])
  const { WebSocket } = await import('ws')
  return new Promise((resolve) => {
    const socket = new WebSocket(`${server.replace(/^http/, 'ws')}${pathOf(resource)}?${query.toString()}`, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], {
      headers: token.value === undefined ? {} : { authorization: `Bearer ${token.value.reveal()}` },
      ...(server.startsWith('https:') ? tlsOptions(tls) : {}),
      perMessageDeflate: false, followRedirects: false, maxPayload: OUTPUT_BYTES,
    })
    let opened = false
    let settled = false
    const pieces: Buffer[] = []
    const settle = (answer: Answer<PodCommandEnd>): void => {
      if (settled) return
      settled = true
      call.signal.removeEventListener('abort', late)
      socket.terminate()
      resolve(answer)
    }
    const late = (): void => settle((opened ? unknown : refused)('DEADLINE', about))
    call.signal.addEventListener('abort', late, { once: true })
    socket.on('open', () => { opened = true })
    socket.on('unexpected-response', (_, response) => {
      refusalOf(response).then((status) => {
        const outcome = outcomeOf(status, 'create', resource, cluster.place)
        settle(outcome.is === 'done' ? unknown('RESPONSE_UNFIT', about, { status: status.status }) : outcome)
      }, () => settle(unknown('UNREACHABLE', about)))
    })
    // Without a listener it would throw; what is not known by then is not known.
    socket.on('error', (thrown) => {
      const { name, code = name } = reduceCause(thrown)
      settle((opened ? unknown : refused)('UNREACHABLE', about, { cause: code }))
    })
    socket.on('close', () => settle(unknown('UNREACHABLE', about)))
    socket.on('message', (data) => {
      const message = Buffer.isBuffer(data) ? data : Buffer.concat([data].flat().map((part) => (part instanceof ArrayBuffer ? Buffer.from(part) : part)))
      if (message[0] === STDOUT) pieces.push(message.subarray(1))
      if (pieces.reduce((sum, { length }) => sum + length, 0) > OUTPUT_BYTES) settle(unknown('RESPONSE_UNFIT', about))
      if (message[0] === OUTCOME) settle(endOf(message.subarray(1).toString('utf8'), Buffer.concat(pieces).toString('utf8'), about))
    })
  })
}

function endOf(said: string, stdout: string, about: string): Answer<PodCommandEnd> {
  const outcome = outcomeSchema.safeParse(documentOf(said)).data
  if (outcome?.status === 'Success') return done({ exit: 0, stdout })
  const exit = outcome?.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  if (outcome?.reason === 'NonZeroExitCode' && exit !== undefined) return done({ exit: Number(exit), stdout })
  // The runtime could not start it: no such program, most of the time.
  return refused('COMMAND_MISSING', about)
}

/** The answer to an upgrade that was refused; it is short. */
async function refusalOf(response: IncomingMessage): Promise<{ readonly status: number; readonly text: string }> {
  let text = ''
  for await (const chunk of response) if (text.length < OUTPUT_BYTES) text += String(chunk)
  return { status: response.statusCode ?? 0, text }
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
