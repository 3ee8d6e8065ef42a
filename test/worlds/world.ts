import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { login, randomPassword } from '../../demo/database.ts'
import { setScenery, type Scenery } from '../../demo/scenery.ts'
import { run as history } from '../../src/cli/commands/history.ts'
import { run as show } from '../../src/cli/commands/show.ts'
import { run as status } from '../../src/cli/commands/status.ts'
import type { Session } from '../../src/cli/session.ts'
import { scramVerifier } from '../../src/connectors/postgres/verifier.ts'
import { KeyturnError, Secret } from '../../src/kit/index.ts'
import { PLAIN } from '../../src/views/paint.ts'
import type { Package } from '../servers/package.ts'
import type { PostgresServer } from '../servers/postgres.ts'
import { type Ran, type Running, startKeyturn } from './keyturn.ts'
import { filesBelow, leaksIn, type Produced, processesOf, valuesHeard } from './leaks.ts'
import { photograph, type Photo } from './photo.ts'

/** The part of a manifest that a world may write differently. */
export interface SecretBlock {
  issuer: Record<string, unknown>
  stores: Record<string, unknown>[]
  consumers?: Record<string, unknown>[]
  checks?: Record<string, unknown>[]
  [key: string]: unknown
}

export interface WorldOptions {
  /** Of the service; 0 unless told: a world without them is set in a moment. */
  readonly instances?: number
  /** How long it waits; everything short unless told. */
  readonly pace?: Readonly<Partial<Record<'grace' | 'quiet' | 'undo', string>>>
  /** Changes the manifest before it is written. */
  readonly manifest?: (secret: SecretBlock, world: { readonly run: string }) => void
}

export interface RunChoice {
  /** KEYTURN_REHEARSE. */
  readonly rehearse?: string
  /** Beside the world's own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Modules of this folder that are loaded before the command line's own code. */
  readonly before?: readonly string[]
}

/** A stage on which something goes well or wrong, the command line beside it, and a list of all that came out of it. */
export interface World {
  readonly stage: Scenery
  readonly server: PostgresServer
  /** The role that the secret begins with; its companion is `<role>_alt`. */
  readonly role: string
  /** A folder of the stage for what tests write; it is scanned, too. */
  readonly run: string
  readonly state: string
  /** Where commands that the manifest names write down their command line and environment. */
  readonly recorded: string
  /** Everything that was run until now. */
  readonly ran: readonly Ran[]
  keyturn(args: readonly string[], choice?: RunChoice): Promise<Ran>
  start(args: readonly string[], choice?: RunChoice): Running
  /** Writes the manifest anew. */
  rewrite(change: (secret: SecretBlock) => void): void
  photo(): Promise<Photo>
  /** Makes the role `<role>_admin` with these attributes, and answers its URL as an admin. */
  makeAdmin(attributes: string): Promise<string>
  /** The answer of the server to a fresh login: `accepted`, or its SQLSTATE. */
  login(dsn: string): Promise<string>
  /** A second secret beside `database`: the role `<role>_<name>`, in a key of its own of the same env file. */
  addSecret(name: string): Promise<void>
  /** Another file that may hold values. */
  allow(file: string): void
  /** The id of the newest rotation. */
  newest(): Promise<string>
  /** Every place where a value came out that had no business there, and every escape code in a pipe. */
  leaks(): Promise<string[]>
  close(): Promise<void>
}

/** Waits that are over before one could look away. */
export const SHORT = { grace: '50ms', quiet: '100ms', undo: '50ms' } as const

/** A run whose clock is ahead by less than a minute, by which clocks may differ: what waits for `grace: 45s` is due in it. */
export const LATER: RunChoice = { before: ['./clock.ts'], env: { WORLDS_CLOCK: '50000' } }

/** Sets a world at this server, for this command line. */
export async function openWorld(server: PostgresServer, { launcher, kit, compiled }: Package, options: WorldOptions = {}): Promise<World> {
  const role = `w${randomBytes(5).toString('hex')}`
  const stage = await setScenery({ adminUrl: server.adminUrl, name: role, instances: options.instances ?? 0, pace: { ...SHORT, ...options.pace } })
  const ears = await mkdtemp(join(tmpdir(), 'keyturn-heard-'))
  const heard = join(ears, 'values')
  const root = dirname(stage.folder)
  const [run, temporary] = [join(root, 'run'), join(root, 'tmp')]
  const recorded = join(run, 'recorded')
  for (const each of [temporary, recorded]) mkdirSync(each, { mode: 0o700 })
  const recorder = join(run, 'record.sh')
  writeFileSync(recorder, `#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ > '${recorded}'/$$\n`, { mode: 0o700 })
  const rewrite = (change: (secret: SecretBlock) => void): void => {
    const manifest = parse(readFileSync(stage.manifest, 'utf8')) as { secrets: { database: SecretBlock } }
    change(manifest.secrets.database)
    writeFileSync(stage.manifest, stringify(manifest))
  }
  rewrite((secret) => {
    secret.checks = [...(secret.checks ?? []), { use: 'command', run: [recorder] }]
    options.manifest?.(secret, { run })
  })
  const initial = await stage.dsn()
  // Whoever made the role wrote its password into the log; what counts is what comes after.
  const logged = (await server.log()).length

  const ran: Ran[] = []
  const allowed = new Set([stage.envFile])
  const start = (args: readonly string[], choice: RunChoice = {}): Running => {
    const running = startKeyturn(args, {
      launcher, cwd: stage.folder,
      before: ['./overhear.ts', ...(choice.before ?? [])],
      env: { ...stage.environment, KEYTURN_DEBUG: '1', TMPDIR: temporary, WORLDS_OVERHEAR: heard, WORLDS_KIT: kit, NODE_COMPILE_CACHE: compiled, KEYTURN_REHEARSE: choice.rehearse, ...choice.env },
    })
    return { ...running, end: running.end.then((one) => { ran.push(one); return one }) }
  }
  const identity = stage.environment['KEYTURN_IDENTITY'] ?? ''
  const known = (): string[] => {
    const isName = (value: string): boolean => /^\w+$/.test(value) && value.startsWith(role)
    const age = existsSync(identity) ? (/^AGE-SECRET-KEY-.+$/m.exec(readFileSync(identity, 'utf8'))?.[0] ?? '') : ''
    const own = [new URL(initial).password, new URL(server.adminUrl).password, server.adminUrl, age]
    return [...new Set([...own, ...valuesHeard(heard, isName)])].filter((value) => value !== '')
  }

  return {
    stage, server, role, run, recorded, ran, rewrite, start,
    state: join(stage.folder, '.keyturn'),
    keyturn: (args, choice) => start(args, choice).end,
    photo: () => photograph(stage),
    makeAdmin: async (attributes) => {
      const url = new URL(server.adminUrl)
      url.username = `${role}_admin`
      url.password = randomPassword()
      // As a verifier: the log of the server is scanned for the password.
      await stage.database.admin(`create role ${url.username} login ${attributes} password '${scramVerifier(new Secret(url.password))}'`)
      return url.href
    },
    login,
    addSecret: async (name) => {
      const [user, password, key] = [`${role}_${name}`, randomPassword(), `${name.toUpperCase()}_URL`]
      await stage.database.admin(`create role ${user} login password '${scramVerifier(new Secret(password))}'`)
      writeFileSync(stage.envFile, `${readFileSync(stage.envFile, 'utf8')}${key}=${stage.database.dsn(user, password)}\n`)
      const manifest = parse(readFileSync(stage.manifest, 'utf8')) as { secrets: Record<string, SecretBlock> }
      const { consumers: _, ...like } = structuredClone(manifest.secrets['database'] ?? { issuer: {}, stores: [] })
      like.issuer['role'] = user
      for (const store of like.stores) store['bind'] = { [key]: { url: { user: 'user', password: 'password' } } }
      writeFileSync(stage.manifest, stringify({ ...manifest, secrets: { ...manifest.secrets, [name]: like } }))
    },
    allow: (file) => { allowed.add(file) },
    newest: async () => newestOf(await view(stage, 'history')),
    leaks: async () => {
      const outputs = ran.flatMap(({ args, out, err }) => [
        { place: `stdout of ${args[0]}`, text: out }, { place: `stderr of ${args[0]}`, text: err }, { place: `arguments of ${args[0]}`, text: args.join(' ') },
      ])
      const keys = join(root, 'keys')
      const own = new Set([...allowed, ...readdirSync(keys).map((name) => join(keys, name))])
      const views = await everyView(stage)
      const log = { place: 'log of the server', text: (await server.log()).slice(logged) }
      const processes = processesOf(stage.instances.map(({ pid }) => pid))
      const coloured = ran.filter((one) => one.said.includes('\u001B')).map((one) => `escape codes in ${one.args.join(' ')}`)
      return [...leaksIn([...outputs, ...filesBelow(root, own), ...views, log, ...processes], known()), ...coloured]
    },
    close: async () => {
      await stage.teardown()
      await rm(ears, { recursive: true, force: true })
    },
  }
}

/** What the commands that only look print of everything that is there, without the mask through which all output goes. */
async function everyView(stage: Scenery): Promise<Produced[]> {
  const rotations = (JSON.parse(await view(stage, 'history')) as { rotations?: { rotation: string }[] }).rotations ?? []
  const shown = await Promise.all(rotations.map(async ({ rotation }) => ({ place: `show ${rotation}`, text: await view(stage, 'show', rotation) })))
  return [{ place: 'history', text: await view(stage, 'history') }, { place: 'status', text: await view(stage, 'status') }, ...shown]
}

/** As JSON; what is refused is JSON as well. */
async function view(stage: Scenery, what: 'history' | 'show' | 'status', ...words: readonly string[]): Promise<string> {
  let text = ''
  const ignore = (): undefined => undefined
  const terminal = { out: (line: string) => { text += `${line}\n` }, err: ignore, transient: ignore, conceal: ignore, paint: PLAIN }
  const session: Session = { terminal, runtime: { env: {}, interrupt: new AbortController().signal, conceal: ignore } }
  try {
    await { history, show, status }[what](session, words, { manifest: stage.manifest, json: true, events: true })
    return text
  } catch (thrown) {
    if (!(thrown instanceof KeyturnError)) throw thrown
    return JSON.stringify({ code: thrown.code, message: thrown.message })
  }
}

function newestOf(text: string): string {
  const { rotations = [] } = JSON.parse(text) as { rotations?: { rotation: string }[] }
  const [newest] = rotations
  if (newest === undefined) throw new Error('there is no rotation yet')
  return newest.rotation
}
