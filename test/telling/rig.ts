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
  start(words: readonly string[], env?: Readonly<Record<string, string>>): Running
  run(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>
  /** All values that there are, which no notice may hold. */
  values(): readonly string[]
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
  const start: Rig['start'] = (words, env = {}) =>
    startKeyturn(words, { launcher, cwd: desk.folder, env: { ...desk.env, HOOK_KEY: key, NODE_COMPILE_CACHE: compiled, ...more, ...env } })
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
    run: (words, env) => start(words, env).end,
    values: () => [key, ...Object.values(desk.env).filter((value) => !value.includes('/')), ...desk.server.keys.of('atlas').map(({ value }) => value)],
  }
}
