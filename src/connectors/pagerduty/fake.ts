import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { generate } from '../../kit/generate.ts'

/** What goes wrong: `slow` never answers, `error` is a 500, `reset` cuts the connection after the event was taken, `limited` is 429. */
export type PagerDutyFault = 'none' | 'slow' | 'error' | 'reset' | 'limited'

/** An alert as PagerDuty would show it. */
export interface Alert {
  readonly status: 'triggered' | 'acknowledged' | 'resolved'
  readonly summary: string
  readonly severity: string
  /** How many events it is made of. */
  readonly events: number
}

/** The Events API v2 of PagerDuty with one service, on loopback in this process. */
export interface PagerDuty {
  readonly url: string
  /** The integration key of the service: 32 characters. */
  readonly key: string
  fault: PagerDutyFault
  /** The events that were taken, in their order, without the key. */
  readonly events: readonly Readonly<Record<string, unknown>>[]
  /** The alerts by their key. */
  alerts(): ReadonlyMap<string, Alert>
  /** Stops listening. May be repeated. */
  close(): Promise<void>
}

interface Payload {
  readonly summary?: unknown
  readonly source?: unknown
  readonly severity?: unknown
}

/** Starts one on a free port. */
export async function startPagerDuty(): Promise<PagerDuty> {
  const key = generate('0123456789abcdef', 32)
  const events: Record<string, unknown>[] = []
  const alerts = new Map<string, Alert>()
  const answer = (response: ServerResponse, status: number, body: object): void => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const server = createServer((asked, response) => {
    text(asked).then(
      (body) => {
        if (pagerduty.fault === 'error') return answer(response, 500, { status: 'error' })
        if (pagerduty.fault === 'limited') return answer(response, 429, { status: 'throttle exceeded', message: 'Requests for this service are arriving too quickly. Please retry later.' })
        const { routing_key: shown, ...event } = parsed(body)
        const wrong = asked.method !== 'POST' || asked.url !== '/v2/enqueue' ? ['not found'] : faultsOf(shown, event)
        if (wrong.length > 0) return answer(response, 400, { status: 'invalid event', message: 'Event object is invalid', errors: wrong })
        // A key that is none of a service is taken all the same, and leads nowhere.
        if (shown === key) {
          events.push(event)
          note(alerts, event)
        }
        if (pagerduty.fault === 'reset') return void response.destroy()
        if (pagerduty.fault !== 'slow') answer(response, 202, { status: 'success', message: 'Event processed', dedup_key: event['dedup_key'] })
      },
      // The client went away in the middle of its request.
      () => response.destroy(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const pagerduty: PagerDuty = {
    url: `http://127.0.0.1:${port}/v2/enqueue`, key, fault: 'none', events,
    alerts: () => alerts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return pagerduty
}

function parsed(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** What PagerDuty says of an event that it does not take. */
function faultsOf(key: unknown, event: Readonly<Record<string, unknown>>): string[] {
  const { event_action: action, dedup_key: dedup, payload } = event
  const faults: string[] = []
  if (typeof key !== 'string' || key.length !== 32) faults.push("Length of 'routing_key' is incorrect (should be 32 characters)")
  if (!['trigger', 'acknowledge', 'resolve'].includes(String(action))) faults.push("'event_action' is missing or blank")
  if (typeof dedup !== 'string' ? action !== 'trigger' : dedup.length > 255) faults.push("'dedup_key' is missing or too long")
  if (action !== 'trigger') return faults
  const { summary, source, severity } = (payload ?? {}) as Payload
  if (typeof summary !== 'string' || summary === '' || summary.length > 1_024) faults.push("'payload.summary' is missing or blank, or too long")
  if (typeof source !== 'string' || source === '') faults.push("'payload.source' is missing or blank")
  if (!['critical', 'error', 'warning', 'info'].includes(String(severity))) faults.push("'payload.severity' is invalid")
  return faults
}

/** What follows when nothing is open: an acknowledgement or a resolution opens nothing. */
function note(alerts: Map<string, Alert>, event: Readonly<Record<string, unknown>>): void {
  const name = String(event['dedup_key'])
  const known = alerts.get(name)
  const open = known !== undefined && known.status !== 'resolved' ? known : undefined
  if (event['event_action'] === 'trigger') {
    const { summary, severity } = event['payload'] as Payload
    alerts.set(name, { status: open?.status ?? 'triggered', summary: String(summary), severity: String(severity), events: (open?.events ?? 0) + 1 })
  } else if (open !== undefined) {
    alerts.set(name, { ...open, status: event['event_action'] === 'resolve' ? 'resolved' : 'acknowledged', events: open.events + 1 })
  }
}
