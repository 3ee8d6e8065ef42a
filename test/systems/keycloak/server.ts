import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { until } from '../../../demo/until.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { debianProgram } from '../parts/debian.ts'
import { mavenZip } from '../parts/maven.ts'
import { Missing } from '../parts/part.ts'
import { runProgram } from '../parts/program.ts'
import { logIn, type Place, reach, type Reached } from './outside.ts'
import { freePort } from '../../../src/testing/port.ts'

export const javaPart = debianProgram('java', 'default-jre-headless')

/** Built once for what the tests need; a start without that would take as long again. */
export const keycloakPart = mavenZip({
  title: 'Keycloak 26.4.0', group: 'org.keycloak', artifact: 'keycloak-quarkus-dist', version: '26.4.0',
  prepare: async (folder) => {
    await javaPart.bring()
    const { code, out, err } = await runProgram(join(folder, 'bin/kc.sh'), ['build', '--db=dev-file', '--features=client-secret-rotation'])
    if (code !== 0) throw new Missing(`kc.sh build failed: ${`${out}${err}`.trim().split('\n').at(-1)}`)
  },
})

/** As bin/kc.sh starts it, with another home: data of its own. The full compiler stays on: RSA keys are made many times quicker by it. */
const JAVA = [
  '-XX:+UseSerialGC', '-Xms64m', '-Xmx512m', '-XX:MaxMetaspaceSize=256m', '-Dfile.encoding=UTF-8',
  '-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory',
  ...['util', 'util.concurrent', 'security'].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
  '-Djava.util.logging.manager=org.jboss.logmanager.LogManager', '-Dpicocli.disable.closures=true',
]

export interface Keycloak extends Reached {
  /** `Keycloak 26.4.0`, as it says it. */
  readonly says: string
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** Starts one on a free port with data of its own and a generated admin. Takes half a minute. */
export async function startKeycloak(): Promise<Keycloak> {
  const [folder, java] = [await keycloakPart.bring(), await javaPart.bring()]
  const home = mkdtempSync(join(tmpdir(), 'keyturn-keycloak-'))
  for (const part of ['conf', 'providers', 'themes', 'lib', 'bin', 'version.txt']) symlinkSync(join(folder, part), join(home, part))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const admin = { user: 'root', password: generate(ALNUM, 24) }
  const child = spawn(java, [
    ...JAVA, `-Dkc.home.dir=${home}`, `-Djboss.server.config.dir=${join(home, 'conf')}`, '-cp', join(folder, 'lib/quarkus-run.jar'), 'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
    'start', '--optimized', '--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`, '--hostname-strict=false', '--cache=local',
  ], { cwd: home, env: { PATH: process.env['PATH'], HOME: home, KC_BOOTSTRAP_ADMIN_USERNAME: admin.user, KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password }, stdio: ['ignore', 'pipe', 'ignore'] })
  const said = text(child.stdout)
  const close = async (): Promise<void> => {
    await end(child)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    await until('Keycloak is there', 240_000, async () => {
      if (child.exitCode !== null) throw new Error(`Keycloak ended with ${child.exitCode}: ${(await said).slice(-2_000)}`)
      return (await fetch(`${url}/realms/master`).catch(() => undefined))?.status === 200 ? true : undefined
    })
    return reach({ url, admin, says: `Keycloak ${await versionOf(url, admin)}`, pause: () => { child.kill('SIGSTOP') }, resume: () => { child.kill('SIGCONT') }, close })
  } catch (thrown) {
    await close()
    throw thrown
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGCONT')
  child.kill('SIGKILL')
  await exited
}

async function versionOf(url: string, admin: Place['admin']): Promise<string> {
  const { access } = await logIn(url, 'master', { grant_type: 'password', client_id: 'admin-cli', username: admin.user, password: admin.password })
  const answer = await fetch(`${url}/admin/serverinfo`, { headers: { authorization: `Bearer ${access}` } })
  const { systemInfo } = (await answer.json()) as { readonly systemInfo: { readonly version: string } }
  return systemInfo.version
}

