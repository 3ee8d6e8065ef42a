import { createHash } from 'node:crypto'
import type { Secret } from '../../kit/index.ts'
import { literal } from './quote.ts'
import type { Flavour } from './admin.ts'

/** The plugins whose passwords can be set; the others log in by something else than a password, or need a client of their own. */
export const PASSWORD_PLUGINS: readonly string[] = ['mysql_native_password', 'caching_sha2_password', 'sha256_password']

/** The hash as mysql_native_password keeps it: the password cannot be read from it, and it logs nobody in. */
export function nativeHash(password: Secret): string {
  const once = createHash('sha1').update(password.reveal()).digest()
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`
}

/**
 * The clause that gives an account its password by this plugin: the hash where it is one without salt, which this machine can compute,
 * else the password itself, which the server leaves out of its logs.
 */
export function identifiedBy(flavour: Flavour, plugin: string, password: Secret, send: 'hash' | 'clear'): string {
  const isHash = send === 'hash' && plugin === 'mysql_native_password'
  if (flavour === 'mariadb') return isHash ? `IDENTIFIED VIA ${plugin} USING ${literal(nativeHash(password))}` : `IDENTIFIED BY ${literal(password.reveal())}`
  return `IDENTIFIED WITH ${literal(plugin)} ${isHash ? `AS ${literal(nativeHash(password))}` : `BY ${literal(password.reveal())}`}`
}
