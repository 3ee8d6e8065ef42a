import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openConsumer } from '../../../src/connectors/docker/index.ts'
import { consumerSchema } from '../../../src/connectors/docker/manifest.ts'
import type { Host } from '../../../src/kit/call.ts'
import type { Presented } from '../../../src/kit/consumer.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { processEnv } from '../../../src/outside/process/index.ts'
import type { ConsumerWorld, Held } from '../../../src/testing/consumer.ts'
import { until } from '../../../src/testing/until.ts'
import { type Daemon, IMAGE } from './daemon.ts'

/** A program that is well as soon as it runs; marks in its folder, and a variable, make it fail at once, or never be well. */
export const PROGRAM = ['sh', '-c', 'trap "exit 0" TERM; echo INFO begins; [ -e /marks/failing ] && exit 3; [ -n "$APP_BROKEN" ] && exit 3; [ -e /marks/slow ] || touch /tmp/well; while :; do sleep 0.05; done']

/** Containers of one project, or a single one, that hold a value; all that a suite needs to know of them. */
export interface Containers extends ConsumerWorld {
  /** Of the env file, the compose file and the marks. */
  readonly folder: string
  /** Ids of the containers, in the order of their names. */
  ids(): Promise<readonly string[]>
  /** From now on a container that starts ends at once, or never gets well. */
  mark(name: 'failing' | 'slow'): void
}

interface Setting {
  /** Stands behind every value. */
  readonly behind?: string
  /** Starts them in this folder, which has the env file `app.env`. */
  readonly start: (folder: string, project: string) => Promise<void>
  readonly config: (folder: string, project: string) => object
  /** Ids of the containers in the order of their names. */
  readonly list: (project: string) => Promise<readonly string[]>
}

function presented(behind = ''): Presented {
  const value = new Secret(`${generate(ALNUM, 32)}${behind}`)
  return { fields: { user: new Secret('app'), password: value }, entries: { APP_USER: new Secret('app'), APP_PASSWORD: value } }
}

export function hostIn(folder: string): Host {
  return { base: folder, now: () => Date.now(), resolve: async (text) => new Secret(text), conceal: () => undefined }
}

async function openWorld(daemon: Daemon, setting: Setting): Promise<Containers> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-docker-'))
  const project = `kt${generate('abcdefghijklmnopqrstuvwxyz', 8)}`
  mkdirSync(join(folder, 'marks'))
  const [next, old] = [presented(setting.behind), presented(setting.behind)]
  const publish = ({ entries }: Presented): void => {
    writeFileSync(join(folder, 'app.env'), Object.entries(entries).map(([key, value]) => `${key}=${value.reveal()}\n`).join(''), { mode: 0o600 })
  }
  const mark = (name: string): void => writeFileSync(join(folder, 'marks', name), '')
  const config = consumerSchema.parse({ socket: daemon.socket, readyWithin: '4s', ...setting.config(folder, project) })
  const ids = (): Promise<readonly string[]> => setting.list(project)
  publish(old)
  await setting.start(folder, project)
  const held = (value: Secret | undefined): Held => (value?.equals(next.entries['APP_PASSWORD']) === true ? 'new' : value?.equals(old.entries['APP_PASSWORD']) === true ? 'old' : 'neither')
  return {
    folder, next, old, publish, ids, mark,
    consumer: openConsumer(config, hostIn(folder)),
    again: openConsumer(config, hostIn(folder)),
    truth: async (name) => {
      const id = (await ids())[Number(/\d+$/.exec(name)?.[0] ?? 1) - 1]
      const pid = id === undefined ? 0 : Number(await daemon.docker('inspect', '--format', '{{.State.Pid}}', id))
      return pid > 1 ? held(processEnv(pid)?.get('APP_PASSWORD')) : undefined
    },
    break: async (fault) => {
      if (fault !== 'gone') return mark(fault === 'slow' ? 'slow' : 'failing')
      const last = (await ids()).at(-1)
      if (last !== undefined) await daemon.docker('kill', last)
    },
    close: async () => {
      const left = await daemon.docker('ps', '--all', '--quiet', '--filter', `name=${project}`)
      if (left !== '') await daemon.docker('rm', '--force', ...left.split('\n'))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How compose is started in a test: its words. */
export type Words = readonly [string, ...string[]]

/** Two instances of a service that this compose started. `found`: the consumer is not told which compose it is. */
export function composeWorld(daemon: Daemon, words: Words, how: 'told' | 'found' = 'told'): Promise<Containers> {
  const [program, ...args] = words
  return openWorld(daemon, {
    start: async (folder, project) => {
      writeFileSync(join(folder, 'compose.yml'), JSON.stringify({
        version: '3.8',
        services: {
          web: {
            image: IMAGE, network_mode: 'host', env_file: ['app.env'], command: PROGRAM, volumes: ['./marks:/marks:ro'],
            healthcheck: { test: ['CMD', 'test', '-e', '/tmp/well'], interval: '100ms', timeout: '2s', retries: 3 },
          },
          other: { image: IMAGE, network_mode: 'host', command: PROGRAM },
        },
      }))
      const { code, err } = await daemon.run(program, [...args, '-p', project, 'up', '-d', '--scale', 'web=2'], folder)
      if (code !== 0) throw new Error(err)
      await healthy(daemon, project, 2)
    },
    config: (_, project) => ({ compose: { project, service: 'web', scale: 2, env: daemon.env, ...(how === 'told' ? { command: words } : {}) } }),
    list: async (project) => {
      const listed = await daemon.docker('ps', '--all', '--filter', `label=com.docker.compose.project=${project}`, '--filter', 'label=com.docker.compose.service=web', '--format', '{{.Label "com.docker.compose.container-number"}} {{.ID}}')
      const rows = listed.split('\n').filter((row) => row !== '').map((row) => row.split(' '))
      return rows.toSorted((one, two) => Number(one[0]) - Number(two[0])).map(([, id = '']) => id)
    },
  })
}

/** One container that `docker run` started with an env file. */
export function singleWorld(daemon: Daemon): Promise<Containers> {
  return openWorld(daemon, {
    // `docker run --env-file` takes all of this as it stands.
    behind: ` "$HOME" '\\' =#é `,
    start: async (folder, project) => {
      await daemon.docker('run', '--detach', '--name', project, '--network', 'host', '--env-file', join(folder, 'app.env'), '--env', 'KEPT=as it is', '--volume', `${folder}/marks:/marks:ro`,
        '--volume', '/data', '--label', 'owner=tests', '--health-cmd', 'test -e /tmp/well', '--health-interval', '100ms', '--health-retries', '3', '--restart', 'unless-stopped', IMAGE, ...PROGRAM)
      await healthy(daemon, project, 1)
    },
    config: (_, project) => ({ container: { name: project, envFile: 'app.env' } }),
    list: async (project) => (await daemon.docker('ps', '--all', '--quiet', '--filter', `name=^${project}$`)).split('\n').filter((id) => id !== ''),
  })
}

async function healthy(daemon: Daemon, project: string, count: number): Promise<void> {
  await until(async () => {
    const well = await daemon.docker('ps', '--quiet', '--filter', `name=${project}`, '--filter', 'health=healthy')
    return well.split('\n').filter((id) => id !== '').length === count
  }, 20_000)
}
