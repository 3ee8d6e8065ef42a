/**
 * What can go wrong between a connector and its outside, as a fake or a proxy produces it for the next effect:
 * - `answer-lost`: it is applied, and the connection is cut before the answer arrives.
 * - `unreachable`: the connection is refused or cut before anything is applied.
 * - `server-error`: the outside answers with an error of its own (a 5xx, an internal SQLSTATE), and nothing is applied.
 * - `slow`: no answer within the deadline; it is applied later, although nobody listens any more.
 * - `full`: there is no room for a second credential.
 * Two more need no fake: a crash after apply is a second instance that repeats the call, a duplicate delivery is the same call
 * twice at once.
 */
export type Fault = 'answer-lost' | 'unreachable' | 'server-error' | 'slow' | 'full'

/** All of them, for suites that go through the list. */
export const faults: readonly Fault[] = ['answer-lost', 'unreachable', 'server-error', 'slow', 'full']
