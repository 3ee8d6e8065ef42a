import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import type { Code } from '../../kit/code.ts'
import { KeyturnError } from '../../kit/error.ts'
import { failureOf } from './failure.ts'

/** A client of the SDK, as far as its life goes. */
interface Client {
  destroy(): void
}

export interface Session<C extends Client> {
  /** Makes the client. Throws a KeyturnError for what was refused by then. */
  open(call: Call): Promise<C>
  /** What an answer is about. */
  readonly about: string
  /** What the service's own errors mean. */
  readonly meanings: Readonly<Record<string, Code>>
}

/** Works with a client of its own, whose connections end with the call. What it throws becomes an answer. */
export async function inSession<C extends Client, T>({ open, about, meanings }: Session<C>, call: Call, work: (client: C) => Promise<Answer<T>>): Promise<Answer<T>> {
  if (call.signal.aborted) return refused('DEADLINE', about)
  let client: C
  try {
    client = await open(call)
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    throw thrown
  }
  try {
    return await work(client)
  } catch (thrown) {
    return failureOf(thrown, about, call, meanings)
  } finally {
    client.destroy()
  }
}

/** As {@link inSession}, for one request. */
export function askOnce<C extends Client, T>(session: Session<C>, call: Call, ask: (client: C) => Promise<T>): Promise<Answer<T>> {
  return inSession(session, call, async (client) => done(await ask(client)))
}

/** What `load` imports. Throws a KeyturnError with PACKAGE_MISSING that names the package when it is not installed. */
export async function optional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (thrown) {
    const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND') throw thrown
    throw new KeyturnError('PACKAGE_MISSING', `${name} (npm install ${name})`, { cause: thrown })
  }
}
