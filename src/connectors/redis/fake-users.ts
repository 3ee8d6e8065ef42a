import { createHash } from 'node:crypto'
import { Refusal, type Reply } from './wire.ts'

/** A user of the pretended server. */
interface FakeUser {
  on: boolean
  open: boolean
  hashes: string[]
  rules: string[]
}

const OWN = ['hello', 'auth', 'multi', 'exec']

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A copy that later changes leave alone. */
export function copied({ all }: { readonly all: ReadonlyMap<string, FakeUser> }): Map<string, FakeUser> {
  return new Map([...all].map(([name, user]) => [name, { ...user, hashes: [...user.hashes], rules: [...user.rules] }]))
}

/** The users of the pretended server. https://redis.io/docs/latest/commands/acl-setuser/ */
export class FakeUsers {
  readonly all = new Map<string, FakeUser>()

  /** From lines as ACL LIST has them. */
  constructor(lines: readonly string[]) {
    for (const line of lines) {
      const [, name = '', ...words] = line.split(' ')
      this.set(name, words)
    }
  }

  /** ACL SETUSER: all words or none. */
  set(name: string, words: readonly string[]): Reply {
    const before = this.all.get(name)
    const user = before === undefined ? { on: false, open: false, hashes: [], rules: ['resetchannels', '-@all'] } : { ...before, hashes: [...before.hashes], rules: [...before.rules] }
    for (const word of words) {
      if (!apply(user, word)) return new Refusal(`ERR Error in ACL SETUSER modifier '${word}': Syntax error`)
    }
    this.all.set(name, user)
    return 'OK'
  }

  /** As ACL LIST. */
  lines(): readonly string[] {
    return [...this.all].sort().map(([name, { on, open, hashes, rules }]) =>
      ['user', name, on ? 'on' : 'off', ...(open ? ['nopass'] : []), ...hashes.map((hash) => `#${hash}`), ...rules].join(' '))
  }

  /** Whether a login with this password passes. */
  admits(name: string, password: string): boolean {
    const user = this.all.get(name)
    return user !== undefined && user.on && (user.open || user.hashes.includes(sha256(password)))
  }

  /** ACL DRYRUN: `OK`, or why not. Rules are read in their order; of categories there is `@all` alone. */
  may(name: string, [first = '', second = '']: readonly string[]): Reply {
    const user = this.all.get(name)
    if (user === undefined) return new Refusal(`ERR User '${name}' not found`)
    const [command, whole] = [first.toLowerCase(), `${first}|${second}`.toLowerCase()]
    let may = OWN.includes(command)
    for (const rule of user.rules) {
      if (['@all', command, whole].includes(rule.slice(1)) && /^[+-]/.test(rule)) may = rule.startsWith('+')
    }
    return may ? 'OK' : `This user has no permissions to run the '${['acl', 'config', 'client'].includes(command) ? whole : command}' command`
  }
}

function apply(user: FakeUser, word: string): boolean {
  if (word === 'reset') Object.assign(user, { on: false, open: false, hashes: [], rules: ['sanitize-payload', 'resetchannels', '-@all'] })
  else if (word === 'on' || word === 'off') user.on = word === 'on'
  else if (word === 'resetpass') Object.assign(user, { open: false, hashes: [] })
  else if (word === 'nopass') Object.assign(user, { open: true, hashes: [] })
  else if (word.startsWith('>') || /^#[0-9a-f]{64}$/.test(word)) addHash(user, word.startsWith('>') ? sha256(word.slice(1)) : word.slice(1))
  else if (word.startsWith('!') || word.startsWith('<')) {
    const hash = word.startsWith('!') ? word.slice(1) : sha256(word.slice(1))
    if (!user.hashes.includes(hash)) return false
    user.hashes = user.hashes.filter((one) => one !== hash)
  } else if (/^([+\-~&%(]|resetchannels$|sanitize-payload$|skip-sanitize-payload$|\w.*\)$)/.test(word)) {
    if (!user.rules.includes(word)) user.rules.push(word)
  } else return false
  return true
}

/** A password, any, ends that the user is open to all. */
function addHash(user: FakeUser, hash: string): void {
  user.open = false
  if (!user.hashes.includes(hash)) user.hashes.push(hash)
}
