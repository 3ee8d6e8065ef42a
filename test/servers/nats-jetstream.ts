import { openCheck } from '../../src/connectors/nats/index.ts'
import { checkSchema } from '../../src/connectors/nats/check-schema.ts'
import type { Check } from '../../src/kit/check.ts'
import type { CheckWorld } from '../../src/testing/check.ts'
import { forwardTo, startFaultyHttp } from '../../src/testing/faulty-http.ts'

/** A stream `WORK` with a consumer `hand`, real or pretended. */
export interface Stream {
  /** The URL of the monitoring port of its server. */
  readonly monitor: string
  /** One message more. */
  publish(): Promise<unknown> | void
  /** All messages are taken out of it. */
  purge(): Promise<unknown> | void
}

/** A check of the stream with this expectation. */
export function checkOf({ monitor }: Pick<Stream, 'monitor'>, expect: object, more: object = {}): Check {
  return openCheck(checkSchema.parse({ monitors: [monitor], stream: 'WORK', consumer: 'hand', expect, ...more }))
}

/** The stream, reached through a front that can fail; it gets worse by losing its messages. */
export async function makeStreamWorld(stream: Stream): Promise<CheckWorld> {
  await stream.publish()
  const front = await startFaultyHttp({ answer: forwardTo(stream.monitor), isEffect: () => true })
  const faults = { slow: 'slow', error: 'server-error', reset: 'answer-lost', gone: 'unreachable' } as const
  return {
    check: checkOf({ monitor: front.url }, { keeps: true, pendingMore: 10 }),
    wrong: checkOf({ monitor: front.url }, { keeps: true, atLeast: 1_000_000 }),
    shown: [],
    break: (fault) => front.inject(faults[fault]),
    worsen: async () => { await stream.purge() },
    close: front.close,
  }
}
