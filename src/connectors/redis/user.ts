import { createHash } from 'node:crypto'
import type { CredentialState, Secret } from '../../kit/index.ts'
import { textsOf } from './reply.ts'
import type { Session } from './session.ts'

/** A user as one node has it. */
export interface User {
  readonly name: string
  readonly on: boolean
  /** It is let in with any password. */
  readonly open: boolean
  /** SHA-256 of its passwords, 64 hexadecimal digits each. */
  readonly hashes: readonly string[]
  /** What it may do, word by word, without login and passwords. */
  readonly rules: readonly string[]
  /** All of it, as ACL SETUSER takes it after `reset`. */
  readonly words: readonly string[]
}

/** All users of a node. https://redis.io/docs/latest/commands/acl-list/ */
export async function readUsers(session: Session): Promise<ReadonlyMap<string, User>> {
  const lines = textsOf(await session.ask(['ACL', 'LIST']))
  return new Map(lines.map((line) => {
    const [, name = '', ...words] = line.split(' ')
    const login = words.filter((word) => isLogin(word))
    return [name, {
      name, words, on: login.includes('on'), open: login.includes('nopass'),
      hashes: login.filter((word) => word.startsWith('#')).map((word) => word.slice(1)),
      rules: words.filter((word) => !isLogin(word)),
    }]
  }))
}

function isLogin(word: string): boolean {
  return word === 'on' || word === 'off' || word === 'nopass' || /^#[0-9a-f]{64}$/.test(word)
}

/** A user without a password is gone: nobody logs in as it, and only a new password changes that. */
export function stateOf(user: User): CredentialState {
  if (user.hashes.length === 0 && !user.open) return 'gone'
  return user.on ? 'on' : 'off'
}

/** What Redis keeps of a password; the password itself need not cross the connection to be set. */
export function hashOf(password: Secret): string {
  return createHash('sha256').update(password.reveal()).digest('hex')
}
