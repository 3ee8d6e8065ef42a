import { expect, it } from 'vitest'
import { failureOf } from './failure.ts'

it.each([
  // As git 2.39 prints them.
  ['!\tabc:refs/heads/main\t[rejected] (non-fast-forward)', 'raced', true],
  ['!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)\nremote: error: cannot lock ref', 'raced', true],
  ['!\tabc:refs/heads/main\t[remote rejected] (pre-receive hook declined)', 'remote-rejected', true],
  ["fatal: couldn't find remote ref refs/heads/nowhere", 'no-such-branch', true],
  ["fatal: could not read Username for 'https://github.com': terminal prompts disabled", 'not-authorized', true],
  ['fatal: Authentication failed for', 'not-authorized', true],
  ['git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.', 'not-authorized', true],
  ["fatal: unable to access 'http://127.0.0.1:1/x/': Failed to connect to 127.0.0.1 port 1: Connection refused", 'unreachable', true],
  ["fatal: unable to access 'http://127.0.0.1:1/x/': The requested URL returned error: 503", 'cut', false],
  ['error: RPC failed; curl 52 Empty reply from server\nsend-pack: unexpected disconnect while reading sideband packet\nfatal: the remote end hung up unexpectedly', 'cut', false],
  ["fatal: '/nowhere' does not appear to be a git repository", 'no-such-repository', true],
])('%s', (said, word, certain) => {
  expect(failureOf(said)).toMatchObject({ word, certain })
})

it('what is not known is not guessed', () => {
  expect(failureOf('fatal: something new')).toBeUndefined()
})
