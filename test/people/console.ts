import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Receipt, type SignedReceipt, verifyReceipt } from '../../src/proof/receipt.ts'
import type { ReferenceTraits } from '../../src/testing/index.ts'
import { type Desk, type DeskOptions, type Did, setDesk } from '../strategies/desk.ts'
import { filesBelow, leaksIn } from '../worlds/leaks.ts'

/** A provider of which nothing can be listed, and whose keys are made and ended in a console. */
export const CONSOLE: ReferenceTraits = { value: 'made', mint: 'adds', locate: 'none', slots: 5, ends: [] }

/** The block of `use: person` for it; `config` is the one of `webhook`, whose probe it takes. */
export function personIssuer(config: Record<string, unknown>): Record<string, unknown> {
  return {
    use: 'person', name: 'the key of mail', at: 'https://console.example/keys',
    fields: { token: 'secret' }, id: { field: 'token', matches: '^ref_([a-z0-9]+)_' }, probe: config['probe'], settle: '100ms',
  }
}

/** A redeploy and a look, by hand. */
export const BY_HAND = {
  consumers: [{ use: 'person', services: ['storefront'], at: 'https://console.example/deploys' }],
  checks: [{ use: 'person', title: 'The storefront sends a mail', steps: ['Order something.', 'See that a mail comes.'] }],
}

/** What a person has to do at a rotation, and what was printed meanwhile. */
export interface Person {
  readonly desk: Desk
  /** All that was printed so far. */
  said(): string
  keyturn(...words: readonly string[]): Promise<Did>
  /** Starts the rotation. */
  rotate(): Promise<Did>
  /** Answers the task at hand; with a value from a file, which is taken away again. */
  answer(value?: string): Promise<Did>
  /** The task at hand: its step and what kind it is. */
  asked(): Promise<string>
  /** Makes a key in the console. */
  make(): { readonly id: string; readonly token: string }
  /** Ends a key in the console. */
  end(id: string): void
  /** The value in the env file. */
  token(): string
  receipt(): Promise<Receipt>
  /** The places that hold one of the values and must not: what was printed, and every file but the env file. */
  leaks(values: readonly string[]): readonly string[]
}

/** Sets a desk and a person at it. */
export async function sitDown(options: DeskOptions = {}, traits = CONSOLE): Promise<Person> {
  const desk = await setDesk(traits, { issuer: personIssuer, ...options, secret: { ...BY_HAND, ...options.secret } })
  let said = ''
  const keyturn = async (...words: readonly string[]): Promise<Did> => {
    const did = await desk.keyturn(...words)
    said += did.out + did.err
    return did
  }
  const file = join(desk.folder, 'answer')
  const state = join(desk.folder, '.keyturn')
  return {
    desk, keyturn,
    said: () => said,
    rotate: () => keyturn('rotate', 'mail', '--wait'),
    answer: async (value) => {
      if (value !== undefined) writeFileSync(file, value, { mode: 0o600 })
      const did = await keyturn('task', 'answer', 'mail', '--wait', ...(value === undefined ? [] : ['--file', file]))
      if (value !== undefined) writeFileSync(file, '')
      return did
    },
    asked: async () => {
      const tasks = JSON.parse((await keyturn('task', 'list', '--json')).out) as { readonly step: string; readonly kind: string }[]
      return tasks.map(({ step, kind }) => `${step} ${kind}`).join()
    },
    make: () => {
      const { id, fields } = desk.server.make()
      return { id, token: fields['token']?.reveal() ?? '' }
    },
    end: (id) => desk.server.keys.remove('atlas', id),
    token: () => /TOKEN=(.*)/.exec(desk.stored())?.[1] ?? '',
    receipt: async () => verifyReceipt(JSON.parse(readFileSync(join(state, 'receipts', `${await desk.rotation()}.json`), 'utf8')) as SignedReceipt),
    leaks: (values) => leaksIn([{ place: 'printed', text: said }, ...filesBelow(join(desk.folder, '..'), new Set([join(desk.folder, '.env')]))], values),
  }
}
