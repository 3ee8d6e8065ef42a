import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** A container of the fake, with what the tests look at and change. */
export interface FakeContainer {
  readonly id: string
  name: string
  /** What it was created with; holds values. */
  readonly body: Record<string, unknown> & { readonly Env: readonly string[]; readonly Labels: Readonly<Record<string, string>> }
  readonly host: Record<string, unknown>
  readonly mounts: readonly object[]
  running: boolean
  health: string
  /** Unix ms. */
  startedAt: number
}

/** A daemon of Docker in this process, on a socket in a folder of its own, and a `compose` that speaks to it. */
export interface FakeDocker {
  readonly folder: string
  readonly socket: string
  /** How its compose is started. It knows the service `web`, whose containers get the entries of `app.env` in the folder. */
  readonly compose: readonly string[]
  readonly containers: FakeContainer[]
  /** Every request, and every command line of compose, as anybody could see them: methods, paths, words of commands. */
  readonly seen: string[]
  /** From now on a container that starts ends at once, or does not get well; `no-shell`: no command runs inside; `compose`: cannot read its files. */
  readonly faults: Set<'failing' | 'slow' | 'no-shell' | 'compose'>
  /** As `docker run` would. */
  run(name: string, env: readonly string[], more?: { readonly config?: object; readonly host?: object; readonly mounts?: readonly object[]; readonly labels?: Readonly<Record<string, string>> }): FakeContainer
  stop(): Promise<void>
}

/** How often the fake looks for a command line of its compose, ms. */
const POLL = 5

/** Leaves its words in a file of the folder, one a line, and waits for what the fake has to say. */
function composeIn(folder: string): string {
  return `#!/bin/sh
ask='${folder}/ask'.$$
printf '%s\\n' "$@" >$ask.new && mv $ask.new $ask
while [ ! -e $ask.exit ]; do sleep 0.01; done
cat $ask.out
exit $(cat $ask.exit)
`
}

interface Asked {
  readonly method: string
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly body: Record<string, unknown>
}

type Answered = readonly [status: number, body?: unknown]

/** Starts it, without containers. Statuses and fields are those of Engine 20.10 (API 1.41). */
export async function startFakeDocker(): Promise<FakeDocker> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-fake-docker-'))
  const [socket, program] = [join(folder, 'docker.sock'), join(folder, 'compose')]
  writeFileSync(program, composeIn(folder), { mode: 0o700 })
  const containers: FakeContainer[] = []
  const seen: string[] = []
  const faults: FakeDocker['faults'] = new Set()
  const execs = new Map<string, readonly string[]>()

  const add = (name: string, body: FakeContainer['body'], host: Record<string, unknown>, mounts: readonly object[] = []): FakeContainer => {
    const made = { id: randomBytes(32).toString('hex'), name, body, host, mounts, running: false, health: 'starting', startedAt: 0 }
    containers.push(made)
    return made
  }
  const start = (one: FakeContainer): void => {
    // A process that is started again is another one, also within one millisecond.
    one.startedAt = Math.max(Date.now(), one.startedAt + 1)
    one.running = !faults.has('failing')
    one.health = faults.has('slow') ? 'starting' : 'healthy'
  }
  const find = (which: string): FakeContainer | undefined => containers.find(({ id, name }) => id === which || name === which)
  const drop = (one: FakeContainer): void => void containers.splice(containers.indexOf(one), 1)

  const compose = (words: readonly string[]): readonly [exit: number, out: string] => {
    seen.push(words.join(' '))
    if (words.includes('version')) return [0, '5.5.1\n']
    if (faults.has('compose')) return [1, '']
    if (words.includes('config')) return [0, 'web\nother\n']
    const project = words[words.indexOf('-p') + 1] ?? ''
    const count = Number((words[words.indexOf('--scale') + 1] ?? '').split('=')[1] ?? 1)
    const env = readFileSync(join(folder, 'app.env'), 'utf8').split('\n').filter((line) => line !== '')
    const numberOf = ({ body }: FakeContainer): number => Number(body.Labels['com.docker.compose.container-number'])
    const create = (number: number): void => {
      const labels = { 'com.docker.compose.project': project, 'com.docker.compose.service': 'web', 'com.docker.compose.oneoff': 'False', 'com.docker.compose.container-number': String(number), 'com.docker.compose.version': '5.5.1' }
      start(add(`${project}-web-${number}`, { Image: 'app:1', Env: env, Labels: labels }, { NetworkMode: 'host' }))
    }
    const there = containers.filter(({ body }) => body.Labels['com.docker.compose.project'] === project)
    if (words.includes('--force-recreate')) {
      for (const one of there) drop(one)
      for (const one of there) create(numberOf(one))
    }
    for (const one of there) if (!one.running && containers.includes(one)) start(one)
    for (let missing = count - there.length; missing > 0; missing -= 1) create(Math.max(0, ...containers.map(numberOf)) + 1)
    return [0, '']
  }

  const inspected = (one: FakeContainer): object => ({
    Id: one.id, Name: `/${one.name}`, Image: 'sha256:0001', Mounts: one.mounts,
    State: { Running: one.running, Paused: false, Restarting: false, Pid: 0, StartedAt: new Date(one.startedAt).toISOString(), ...(one.health === 'none' ? {} : { Health: { Status: one.running ? one.health : 'unhealthy' } }) },
    Config: one.body, HostConfig: { AutoRemove: false, PidMode: '', Binds: null, ...one.host }, NetworkSettings: { Networks: { host: {} } },
  })

  const ofContainer = (one: FakeContainer, { method, path: [, , verb], query, body }: Asked): Answered => {
    if (method === 'DELETE') {
      if (one.running && query.get('force') !== '1') return [409]
      drop(one)
      return [204]
    }
    if (verb === 'json') return [200, inspected(one)]
    if (verb === 'stop') {
      const was = one.running
      one.running = false
      return [was ? 204 : 304]
    }
    if (verb === 'start') {
      if (one.running) return [304]
      start(one)
      return [204]
    }
    if (verb === 'rename') {
      if (find(query.get('name') ?? '') !== undefined) return [409]
      one.name = query.get('name') ?? ''
      return [204]
    }
    if (verb !== 'exec') return [404]
    if (!one.running) return [409]
    const id = randomBytes(32).toString('hex')
    execs.set(id, [one.id, ...(body['Cmd'] as readonly string[])])
    seen.push((body['Cmd'] as readonly string[]).join(' '))
    return [201, { Id: id }]
  }

  /** What the script of `inside.ts` prints, in one frame of standard output. */
  const ran = ([id = '', , , , , nonce = '', ...keys]: readonly string[]): Buffer => {
    const env = find(id)?.body.Env ?? []
    const lines = keys.map((key) => {
      const line = env.find((each) => each.startsWith(`${key}=`))
      return line === undefined ? 'none\n' : `${createHash('sha256').update(`${nonce}${line.slice(key.length + 1)}\n`).digest('hex')}  -\n`
    })
    const said = Buffer.from(lines.join(''))
    const head = Buffer.alloc(8)
    head[0] = 1
    head.writeUInt32BE(said.length, 4)
    return Buffer.concat([head, said])
  }

  const answer = (asked: Asked): Answered => {
    const { path: [kind, which = '', verb], query, body } = asked
    if (kind === 'images') return [200, { Id: 'sha256:0001' }]
    if (kind === 'exec' && verb === 'start') return [200, faults.has('no-shell') ? Buffer.alloc(0) : ran(execs.get(which) ?? [])]
    if (kind === 'exec') return [200, { ExitCode: faults.has('no-shell') ? 127 : 0 }]
    if (kind !== 'containers') return [404]
    if (which === 'json') {
      const { label = [] } = JSON.parse(query.get('filters') ?? '{}') as { readonly label?: readonly string[] }
      return [200, containers.filter(({ body: { Labels } }) => label.every((each) => Labels[each.split('=')[0] ?? ''] === each.split('=')[1])).map(({ id, body: { Labels } }) => ({ Id: id, Labels }))]
    }
    if (which === 'create') {
      const name = query.get('name') ?? ''
      if (find(name) !== undefined) return [409]
      const { HostConfig, ...config } = body
      const made = add(name, config as FakeContainer['body'], HostConfig as Record<string, unknown>)
      return [201, { Id: made.id }]
    }
    const one = find(which)
    return one === undefined ? [404] : ofContainer(one, asked)
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://docker')
    const sent = await text(request)
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`)
    const [status, body] = answer({ method: request.method ?? '', path: url.pathname.split('/').slice(1), query: url.searchParams, body: sent === '' ? {} : (JSON.parse(sent) as Record<string, unknown>) })
    response.writeHead(status).end(Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body))
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.writeHead(500).end())
  })
  const listening = setInterval(() => {
    for (const name of readdirSync(folder).filter((each) => /^ask\.\d+$/.test(each))) {
      const ask = join(folder, name)
      const [exit, out] = compose(readFileSync(ask, 'utf8').split('\n').slice(0, -1))
      rmSync(ask)
      writeFileSync(`${ask}.out`, out)
      writeFileSync(`${ask}.new`, String(exit))
      renameSync(`${ask}.new`, `${ask}.exit`)
    }
  }, POLL)
  server.listen(socket)
  await once(server, 'listening')
  return {
    folder, socket, containers, seen, faults,
    compose: [program],
    run: (name, env, { config = {}, host = {}, mounts, labels = {} } = {}) => {
      const made = add(name, { Image: 'app:1', Hostname: '', ...config, Env: env, Labels: labels }, { NetworkMode: 'host', ...host }, mounts)
      start(made)
      return made
    },
    stop: async () => {
      clearInterval(listening)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
