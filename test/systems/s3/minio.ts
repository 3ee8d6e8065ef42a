import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../demo/until.ts'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { request } from '../../../src/outside/http/index.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { seal } from '../../../src/connectors/s3/envelope.ts'
import { type AccessKey, signed } from '../../../src/connectors/s3/signed.ts'
import { goProgram } from '../parts/go.ts'
import { freePort } from '../../../src/testing/port.ts'

/** The last release that the Go module proxy has: 2026-02-12. */
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'

export const minioPart = goProgram({ title: 'MinIO of 2026-02-12', name: 'minio', package: 'github.com/minio/minio', version: VERSION })

export interface Minio {
  readonly url: string
  /** `MinIO 20260212`: a build from the module does not know its own release, so the version is the one that was built. */
  readonly version: string
  readonly root: AccessKey
  readonly bucket: string
  /** Makes a user who may do these things; all with objects when absent. */
  user(name: string, policy?: object): Promise<AccessKey>
  /** Makes an access key of a user, as an administrator does; the user's own key signs. */
  accessKey(user: AccessKey, name: string): Promise<AccessKey>
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** Starts one on a free port with data of its own. */
export async function startMinio(): Promise<Minio> {
  const program = await minioPart.bring()
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-minio-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const root = { accessKeyId: generate(ALNUM, 16), secretAccessKey: new Secret(generate(ALNUM, 40)) }
  const child = spawn(program, ['server', '--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${await freePort()}`, '--quiet', join(folder, 'data')], {
    env: { HOME: folder, MINIO_ROOT_USER: root.accessKeyId, MINIO_ROOT_PASSWORD: root.secretAccessKey.reveal(), MINIO_BROWSER: 'off', MINIO_CI_CD: '1' },
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  const admin = async (method: 'PUT' | 'POST', path: string, body: object, as: AccessKey = root): Promise<void> => {
    const answer = await signed({ method, url: `${url}/minio/admin/v3/${path}`, body: await seal(as.secretAccessKey, JSON.stringify(body)) }, as, 'us-east-1', callWithin(10_000))
    if (answer.is !== 'done' || answer.value.status !== 200) throw new Error(`${path.replace(/\?.*/, '')}: ${answer.is === 'done' ? answer.value.status : answer.is}`)
  }
  const plain = async (method: 'PUT', path: string, body: string): Promise<void> => {
    const answer = await signed({ method, url: `${url}${path}`, body }, root, 'us-east-1', callWithin(10_000))
    if (answer.is !== 'done' || answer.value.status !== 200) throw new Error(`${path.replace(/\?.*/, '')}: ${answer.is === 'done' ? answer.value.status : answer.is}`)
  }
  const bucket = 'media'
  const close = async (): Promise<void> => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('MinIO is there', 30_000, async () => {
      if (child.exitCode !== null) throw new Error(`MinIO ended with ${child.exitCode}`)
      const answer = await request({ method: 'GET', url: `${url}/minio/health/ready` }, callWithin(2_000))
      return answer.is === 'done' && answer.value.status === 200 ? true : undefined
    })
    await plain('PUT', `/${bucket}`, '')
  } catch (thrown) {
    await close()
    throw thrown
  }
  return {
    url, root, bucket,
    version: `MinIO ${VERSION.slice(7, 15)}`,
    async user(name, policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }] }) {
      const key = { accessKeyId: name, secretAccessKey: new Secret(generate(ALNUM, 40)) }
      await admin('PUT', `add-user?accessKey=${name}`, { secretKey: key.secretAccessKey.reveal(), status: 'enabled' })
      await plain('PUT', `/minio/admin/v3/add-canned-policy?name=${name}`, JSON.stringify(policy))
      await plain('PUT', `/minio/admin/v3/set-user-or-group-policy?policyName=${name}&userOrGroup=${name}&isGroup=false`, '')
      return key
    },
    async accessKey(user, name) {
      const key = { accessKeyId: generate('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 20), secretAccessKey: new Secret(generate(ALNUM, 40)) }
      await admin('PUT', 'add-service-account', { accessKey: key.accessKeyId, secretKey: key.secretAccessKey.reveal(), name }, user)
      return key
    },
    pause: () => { child.kill('SIGSTOP') },
    resume: () => { child.kill('SIGCONT') },
    close,
  }
}
