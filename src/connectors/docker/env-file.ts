import { readFileSync } from 'node:fs'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { reduceCause } from '../../kit/error.ts'
import { Secret } from '../../kit/secret.ts'

/**
 * The entries of a file as `docker run --env-file` reads it (docker/cli, opts/file.go): a line is `KEY=VALUE` with everything behind
 * the first `=` as it stands, quotes too; lines that begin with `#` are comments. A key alone stands for the variable of whoever runs
 * `docker`, which we do not have: it is left out. `refused` when docker would refuse the file, or it cannot be read.
 */
export function readEnvFile(path: string, about: string): Answer<ReadonlyMap<string, Secret>> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (thrown) {
    const { code } = reduceCause(thrown)
    if (code === 'ENOENT') return refused('STORE_MISSING', about)
    return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? refused('VALUE_UNREADABLE', `${about} is not UTF-8`) : refused('STORE_DENIED', about)
  }
  const entries = new Map<string, Secret>()
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '').trimStart()
    if (line === '' || line.startsWith('#')) continue
    const equals = line.indexOf('=')
    const key = equals === -1 ? line : line.slice(0, equals)
    if (key === '' || /\s/.test(key)) return refused('VALUE_UNREADABLE', `${about} line ${at + 1}: docker takes no key with a space`)
    if (equals !== -1) entries.set(key, new Secret(line.slice(equals + 1)))
  }
  return done(entries)
}
