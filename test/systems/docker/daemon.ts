import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../src/testing/until.ts'
import { type ProgramRun, runProgram } from '../parts/program.ts'
import { buildRoot } from './root.ts'
import { composeTwo, docker as dockerPart, dockerd as dockerdPart } from './system.ts'

/** What every container of the tests is made from: busybox, and the libraries that Node needs. */
export const IMAGE = 'keyturn-test/small:1'

/** A daemon of its own, with its own containerd, folders and socket. It has no network but the machine's, and changes none. */
export interface Daemon {
  readonly socket: string
  /** As it says it: `Docker 20.10.24`. */
  readonly version: string
  /** What `docker` and compose need in their environment; where `plugin` has one, `docker compose` works too. */
  readonly env: Readonly<Record<string, string>>
  /** Runs `docker`; throws when that fails. Answers what it printed, without the white space around it. */
  docker(...args: readonly string[]): Promise<string>
  /** The same for any program and any exit code. */
  run(program: string, args: readonly string[], cwd: string): Promise<ProgramRun>
  /** Stops it as a machine in trouble does (SIGSTOP), or lets it go on; its containers run all the while. */
  signal(which: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it with all its containers, and takes its folders away. */
  stop(): Promise<void>
}

/** Starts one and gives it {@link IMAGE}. `plugin`: whether `docker compose` is there, as a plugin. */
export async function startDaemon({ plugin }: { readonly plugin: boolean }): Promise<Daemon> {
  const [program, cli] = [await dockerdPart.bring(), await dockerPart.bring()]
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-dockerd-'))
  const at = (name: string): string => join(folder, name)
  const socket = at('docker.sock')
  writeFileSync(at('daemon.json'), '{}')
  mkdirSync(at('config/cli-plugins'), { recursive: true })
  if (plugin) symlinkSync(await composeTwo.bring(), at('config/cli-plugins/docker-compose'))
  const child = spawn(program, [
    '--config-file', at('daemon.json'), '--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid'), '--host', `unix://${socket}`,
    '--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false', '--userland-proxy=false',
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said = `${said}${text}`.slice(-4_000) })
  const exited = once(child, 'exit')
  const env = { DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: at('config') }
  const run: Daemon['run'] = (which, args, cwd) => runProgram(which, args, { cwd, env: { PATH: process.env['PATH'], HOME: folder, ...env } })
  const docker = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await run(cli, args, folder)
    if (code !== 0) throw new Error(`docker ${args[0] ?? ''}: ${err}`)
    return out.trim()
  }
  const stop = async (): Promise<void> => {
    const left = existsSync(socket) && child.exitCode === null ? await docker('ps', '--all', '--quiet') : ''
    if (left !== '') await docker('rm', '--force', ...left.split('\n'))
    if (child.exitCode === null) child.kill('SIGTERM')
    await exited
    // The network of the machine stays mounted there as a name.
    for (const mounted of ['exec/netns/default', 'data']) await runProgram('umount', ['--quiet', at(mounted)])
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`dockerd ended: ${said}`)
      return existsSync(socket) && (await run(cli, ['version'], folder)).code === 0
    }, 60_000)
    await docker('import', await buildRoot(folder), IMAGE)
    const server = await docker('version', '--format', '{{.Server.Version}}')
    return { socket, version: `Docker ${/^[\d.]+/.exec(server)?.[0] ?? server}`, env, docker, run, stop, signal: (which) => void child.kill(which) }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}
