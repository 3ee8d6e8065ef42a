import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { registry } from '../../test/fixture/registry.ts'
import { KeyturnError } from '../kit/index.ts'
import { parseManifest } from '../yaml/load.ts'

const password = randomBytes(18).toString('hex')

it.each([
  ['a password in its URL', `postgres://keyturn:${password}@db/keyturn`, /^3:8 a URL with a password stands here in the clear; write `\$\{env:NAME\}`/],
  ['another database', 'mysql://db/keyturn', /^3:8 `state` is a URL of another kind; write a folder, or `\$\{env:NAME\}` for a `postgres:\/\/` URL$/],
  ['a reference that nothing resolves', '${nowhere:STATE}', /^3:8 there is no reference `\$\{nowhere:\.\.\.\}`; write /],
])('a state that is %s is told with its place, and never with its value', async (_, state, says) => {
  const text = `version: 1\nsystem: s\nstate: "${state}"\nsecrets: { a: { issuer: { use: dice }, stores: [{ use: envfile, file: f, bind: { K: "{value}" } }] } }`
  let thrown: unknown
  try {
    await parseManifest(text, 'keyturn.yaml', { registry })
  } catch (error) {
    thrown = error
  }
  if (!(thrown instanceof KeyturnError)) throw new Error('it is valid')
  expect(thrown.about.replace('keyturn.yaml:', '')).toMatch(says)
  expect(JSON.stringify(thrown) + String(thrown)).not.toContain(password)
})
