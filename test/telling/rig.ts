import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { type Receiver, startReceiver } from '../../src/connectors/webhook/fake.ts'
import { signatureOf } from '../../src/connectors/webhook/signature.ts'
import { ALNUM, generate } from '../../src/kit/generate.ts'
import type { Notice } from '../../src/kit/index.ts'
import { Secret } from '../../src/kit/index.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { packageAt } from '../servers/package.ts'
import { type Desk, type DeskOptions, setDesk } from '../strategies/desk.ts'
import { type Ran, type Running, startKeyturn } from '../worlds/keyturn.ts'
import { filesBelow, leaksIn } from '../worlds/leaks.ts'

/** A provider with an API for everything. */
export const ABLE: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'tag', slots: 3, ends: ['off', 'gone'] }

/** What arrived, as a receiver has it. */
export interface Arrived extends Omit<Notice, 'at'> {
  readonly at: string
}

/** A desk whose manifest tells a receiver on loopback, and the shipped command line. */
export interface Rig {
  readonly desk: Desk
  readonly receiver: Receiver
  /** What has arrived, the oldest first; throws when one is not signed by us. */
  arrived(): readonly Arrived[]
  kinds(): readonly string[]
  start(words: readonly string[], aheadMs?: number): Running
  /** As a process of its own; with `aheadMs` its clock is ahead by so much. */
  run(words: readonly string[], aheadMs?: number): Promise<Ran>
  /** The places that hold a value and must not: what arrived, what was printed, and every file but the env file. */
  leaks(): readonly string[]
}

export interface RigOptions extends DeskOptions {
  /** Beside `notifiers`. */
  readonly manifest?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
}

/** Sets one for this test. `ops` is told everything. */
export async function setRig(traits: ReferenceTraits = ABLE, { manifest = {}, env: more = {}, ...options }: RigOptions = {}): Promise<Rig> {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.close())
  const key = generate(ALNUM, 40)
  const desk = await setDesk(traits, { ...options, secret: { notify: ['ops'], ...options.secret } })
  appendFileSync(join(desk.folder, 'keyturn.yaml'), stringify({ notifiers: { ops: { use: 'webhook', url: receiver.url, key: '${env:HOOK_KEY}' } }, ...manifest }))
  const { launcher, compiled } = await packageAt(inject('packageFolder'))
  const ran: Ran[] = []
  const start: Rig['start'] = (words, aheadMs) => {
    const running = startKeyturn(words, {
      launcher, cwd: desk.folder, ...(aheadMs === undefined ? {} : { before: ['./clock.ts'] }),
      env: { ...desk.env, HOOK_KEY: key, NODE_COMPILE_CACHE: compiled, ...(aheadMs === undefined ? {} : { WORLDS_CLOCK: String(aheadMs) }), ...more },
    })
    return { ...running, end: running.end.then((one) => { ran.push(one); return one }) }
  }
  const values = new Set([key, ...Object.values(desk.env).filter((value) => !value.includes('/'))])
  const remember = (): void => { for (const { value } of desk.server.keys.of('atlas')) values.add(value) }
  const arrived = (): readonly Arrived[] => receiver.received.map(({ headers, body }) => {
    const id = String(headers['webhook-id'])
    const signature = signatureOf(new Secret(key), id, Number(headers['webhook-timestamp']), body)
    if (headers['webhook-signature'] !== signature) throw new Error(`${id} is not signed`)
    const { type: kind, timestamp: at, data } = JSON.parse(body) as { type: string; timestamp: string; data: Omit<Arrived, 'id' | 'kind' | 'at'> }
    return { ...data, id, kind, at }
  })
  return {
    desk, receiver, arrived, start,
    kinds: () => arrived().map(({ kind }) => kind),
    run: (words, aheadMs) => {
      remember()
      return start(words, aheadMs).end
    },
    leaks: () => {
      remember()
      const told = receiver.received.map(({ headers, body }) => ({ place: 'a notice', text: `${JSON.stringify(headers)}${body}` }))
      const printed = ran.map(({ args, said }) => ({ place: `keyturn ${args.join(' ')}`, text: said }))
      return leaksIn([...told, ...printed, ...filesBelow(join(desk.folder, '..'), new Set([join(desk.folder, '.env')]))], [...values])
    },
  }
}
