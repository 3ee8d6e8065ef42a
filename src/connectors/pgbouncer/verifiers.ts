import { type Answer, done, label, placeLabel, refused } from '../../kit/index.ts'
import type { Call, Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import { disk, type FilePort, inspectPlace, loadContent, locate, saveContent } from '../../outside/file/index.ts'
import { codeOf, isRejection } from './failure.ts'
import type { ConsumerConfig } from './manifest.ts'
import { readServerUrl, within } from './session.ts'
import { agree, cut, join, rolesOf } from './userlist.ts'

export type VerifiersConfig = NonNullable<ConsumerConfig['verifiers']>

/**
 * Copies the SCRAM verifiers of the secret's roles from the server into the auth file, byte for byte: with another one, even of the
 * same password, PgBouncer lets clients in and cannot log in to the server. Roles that may not log in lose their line. Done also when
 * nothing had to change. `dry`: reads both and changes nothing.
 * https://www.pgbouncer.org/config.html#authentication-file-format
 */
export async function copyVerifiers(config: VerifiersConfig, host: Host, call: Call, dry?: 'dry', port: FilePort = disk): Promise<Answer<void>> {
  const path = locate(config.file, host.base)
  const { write: way = 'replace' } = config
  if (dry !== undefined) {
    const place = await inspectPlace(path, way, port, call)
    if (place.is !== 'done') return place
  }
  const secrets = await readVerifiers(config, host, call)
  if (secrets.is !== 'done') return secrets
  const now = await loadContent(path, way, port)
  if (now.is !== 'done') return now
  const text = now.value.bytes.toString('latin1')
  const pieces = cut(text)
  if (pieces === undefined) return refused('STORE_UNFIT', `${path} is no auth file that PgBouncer can read to its end`)
  const next = join(agree(pieces, rolesOf(config), secrets.value))
  if (dry !== undefined || next === text) return done(undefined)
  const saved = await saveContent({ path, bytes: Buffer.from(next, 'latin1'), ifRevision: now.value.revision, way }, call, port)
  return saved.is === 'done' ? done(undefined) : saved
}

async function readVerifiers(config: VerifiersConfig, host: Host, call: Call): Promise<Answer<ReadonlyMap<string, string>>> {
  const { users = [], dated } = config
  let where = 'the server'
  try {
    const place = await readServerUrl(await host.resolve(config.admin, call))
    where = placeLabel(place.host, place.port)
    const rows = await within(place, call, (query) => query(
      `SELECT rolname AS role, rolpassword AS secret FROM pg_catalog.pg_authid
       WHERE rolcanlogin AND rolpassword IS NOT NULL AND (rolname = ANY ($1::text[]) OR starts_with(rolname, $2)) ORDER BY rolname`,
      [users, dated === undefined ? null : `${dated}_`]))
    const ours = rolesOf(config)
    const found = rows.map(({ role, secret }) => [String(role), String(secret)] as const).filter(([role]) => ours(role))
    const other = found.find(([, secret]) => !secret.startsWith('SCRAM-SHA-256$'))?.[0]
    if (other !== undefined) return refused('PRECONDITION_FAILED', `the password of ${label(other)} is not kept as a SCRAM verifier at ${where}`)
    return done(new Map(found.map(([role, secret]) => [Buffer.from(role, 'utf8').toString('latin1'), secret])))
  } catch (thrown) {
    if (thrown instanceof KeyturnError) return refused(thrown.code, thrown.about)
    // Nothing was changed by then.
    if (call.signal.aborted) return refused('DEADLINE', where)
    const evidence = { code: codeOf(thrown) }
    if (evidence.code === '42501') return refused('RIGHTS_MISSING', `SELECT on pg_authid at ${where}`, evidence)
    return refused(isRejection(thrown) ? 'ADMIN_REJECTED' : 'UNREACHABLE', where, evidence)
  }
}
