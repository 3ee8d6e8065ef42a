import { type AddressInfo, createServer, type Socket } from 'node:net'
import { copied, FakeUsers } from './fake-users.ts'
import { encode, Refusal, type Reply, splitCommands } from './wire.ts'
import { type FaultyTcp, startFaultyTcp } from '../../testing/faulty-tcp.ts'

/** Where the pretended server keeps its users: an ACL file, the configuration file, or nowhere. */
export type Keeping = 'aclfile' | 'config' | 'nothing'

/** A Redis, pretended in this process: what keyturn asks of one, with the answers and the texts that Redis 7.0.15 gave. */
export interface FakeRedis {
  readonly port: number
  /** After so many more times its file cannot be written any more. */
  spoilFileAfter(saves: number): void
  /** Ends all connections and starts again with what was saved. */
  restart(): void
  close(): Promise<void>
}

interface Connection {
  readonly id: number
  readonly socket: Socket
  user: string | undefined
  name: string
  queue: (readonly string[])[] | undefined
}

const DENIED = new Refusal('WRONGPASS invalid username-password pair or user is disabled.')

/** Starts one with these users, as lines of ACL LIST. */
export async function startFakeRedis({ users: lines, keeping, requirepass = '' }: { readonly users: readonly string[]; readonly keeping: Keeping; readonly requirepass?: string }): Promise<FakeRedis> {
  const users = new FakeUsers(lines)
  const config = new Map([['aclfile', keeping === 'aclfile' ? '/fake/users.acl' : ''], ['requirepass', requirepass], ['masteruser', ''], ['masterauth', ''], ['maxclients', '10000']])
  const connections = new Set<Connection>()
  const state = { saved: copied(users), savedConfig: new Map(config), saves: Number.POSITIVE_INFINITY, next: 1 }

  const isSpoilt = (): boolean => {
    state.saves -= 1
    return state.saves < 0
  }
  const acl = (me: Connection, [verb = '', ...words]: readonly string[]): Reply => {
    if (verb === 'LIST') return users.lines()
    if (verb === 'SETUSER') return users.set(words[0] ?? '', words.slice(1))
    if (verb === 'DELUSER') return users.all.delete(words[0] ?? '') ? 1 : 0
    if (verb === 'DRYRUN') return users.may(words[0] ?? '', words.slice(1))
    if (verb === 'WHOAMI') return me.user ?? 'default'
    if (verb !== 'SAVE') return new Refusal(`ERR unknown subcommand '${verb}'. Try ACL HELP.`)
    if (keeping !== 'aclfile') return new Refusal('ERR This Redis instance is not configured to use an ACL file.')
    if (isSpoilt()) return new Refusal('ERR There was an error trying to save the ACLs. Please check the server logs for more information')
    state.saved = copied(users)
    return 'OK'
  }
  const settings = ([verb = '', ...words]: readonly string[]): Reply => {
    if (verb === 'GET') return new Map(words.flatMap((word) => (config.has(word) ? [[word, config.get(word) ?? ''] as const] : [])))
    if (verb === 'SET') {
      for (let at = 0; at < words.length; at += 2) {
        config.set(words[at] ?? '', words[at + 1] ?? '')
        if (words[at] === 'requirepass') users.set('default', ['resetpass', words[at + 1] === '' ? 'nopass' : `>${words[at + 1] ?? ''}`])
      }
      return 'OK'
    }
    if (keeping === 'nothing') return new Refusal('ERR The server is running without a config file')
    if (isSpoilt()) return new Refusal('ERR Rewriting config file: Permission denied')
    state.savedConfig = new Map(config)
    if (keeping === 'config') state.saved = copied(users)
    return 'OK'
  }
  const client = (me: Connection, [verb = '', , name = '']: readonly string[]): Reply => {
    if (verb === 'LIST') return [...connections].filter(({ user }) => user !== undefined).map((one) => `id=${one.id} addr=127.0.0.1:${one.socket.remotePort ?? 0} name=${one.name} flags=N user=${one.user ?? ''}\n`).join('')
    if (verb !== 'KILL') return new Refusal(`ERR unknown subcommand '${verb}'. Try CLIENT HELP.`)
    if (!users.all.has(name)) return new Refusal(`ERR No such user '${name}'`)
    const ended = [...connections].filter((one) => one.user === name && one !== me)
    for (const one of ended) end(one)
    return ended.length
  }
  const end = (one: Connection): void => {
    connections.delete(one)
    one.socket.destroy()
  }
  const hello = (me: Connection, words: readonly string[]): Reply => {
    const [auth, name] = [words.indexOf('AUTH'), words.indexOf('SETNAME')]
    if (auth >= 0) {
      if (!users.admits(words[auth + 1] ?? '', words[auth + 2] ?? '')) return DENIED
      me.user = words[auth + 1]
    }
    if (name >= 0) me.name = words[name + 1] ?? ''
    return new Map<string, Reply>([['server', 'redis'], ['version', '7.0.15'], ['proto', 3], ['id', me.id], ['mode', 'standalone'], ['role', 'master'], ['modules', []]])
  }
  const run = (me: Connection, [first = '', ...words]: readonly string[]): Reply => {
    const command = first.toUpperCase()
    if (command === 'HELLO') return hello(me, words)
    if (me.user === undefined) return new Refusal('NOAUTH Authentication required.')
    if (users.may(me.user, [command, ...words]) !== 'OK') return new Refusal(`NOPERM this user has no permissions to run the '${command.toLowerCase()}' command`)
    if (command === 'ACL') return acl(me, words)
    if (command === 'CONFIG') return settings(words)
    if (command === 'CLIENT') return client(me, words)
    if (command === 'PING') return 'PONG'
    if (command === 'TIME') return [String(Math.floor(Date.now() / 1000)), '0']
    if (command === 'INFO') return ['# Server', 'redis_version:7.0.15', `config_file:${keeping === 'nothing' ? '' : '/fake/redis.conf'}`, `connected_clients:${connections.size}`, `maxclients:${config.get('maxclients') ?? ''}`, 'role:master', 'connected_slaves:0'].join('\r\n')
    return new Refusal(`ERR unknown command '${command}'`)
  }
  const answer = (me: Connection, words: readonly string[]): Reply => {
    const command = (words[0] ?? '').toUpperCase()
    if (command === 'MULTI') {
      me.queue = []
      return 'OK'
    }
    if (command === 'EXEC') {
      const queued = me.queue ?? []
      me.queue = undefined
      return queued.map((one) => run(me, one))
    }
    if (me.queue === undefined) return run(me, words)
    me.queue.push(words)
    return 'QUEUED'
  }

  const listener = createServer((socket) => {
    const me: Connection = { id: state.next, socket, user: undefined, name: '', queue: undefined }
    state.next += 1
    socket.on('error', () => socket.destroy())
    if (connections.size >= Number(config.get('maxclients'))) {
      socket.end(encode(new Refusal('ERR max number of clients reached')))
      return
    }
    connections.add(me)
    socket.once('close', () => connections.delete(me))
    socket.on('data', splitCommands((words) => { socket.write(encode(answer(me, words))) }))
  })
  await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve) })
  return {
    port: (listener.address() as AddressInfo).port,
    spoilFileAfter: (saves) => { state.saves = saves },
    restart() {
      for (const one of connections) end(one)
      users.all.clear()
      for (const [name, user] of copied({ all: state.saved })) users.all.set(name, user)
      for (const [name, value] of state.savedConfig) config.set(name, value)
    },
    async close() {
      for (const one of connections) end(one)
      await new Promise((resolve) => { listener.close(resolve) })
    },
  }
}

/** Its errors are texts, as Redis says them. */
export type FaultyProxy = FaultyTcp<string>

/** In front of a Redis: mishaps befall commands. */
export function faultyProxy(server: { readonly port: number }): Promise<FaultyProxy> {
  return startFaultyTcp(server, () => ({
    split: (each) => splitCommands((words, bytes) => each({ bytes, asks: words.join(' ') })),
    refuse: (text) => encode(new Refusal(text)),
  }))
}
