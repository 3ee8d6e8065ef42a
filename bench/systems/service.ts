import { join } from 'node:path'
import { answerChallenge, freshNonce } from '../../src/kit/challenge.ts'
import { Secret } from '../../src/kit/index.ts'
import { startInstance } from '../../test/systems/rig/under-load.ts'
import type { Ground } from './ground.ts'

/** The service whose credential is changed: two processes with the usual client library. */
export interface Service {
  readonly instances: readonly { readonly name: string; readonly url: string; readonly pidFile: string }[]
  /** How many instances prove by challenge that they hold this value. */
  holders(value: string): Promise<number>
  stop(): Promise<void>
}

const NAMES = ['live-1', 'live-2']

/** Starts it with the env file that is there. */
export async function startService(ground: Ground, client: URL): Promise<Service> {
  const started: { readonly name: string; readonly url: string; readonly stop: () => Promise<unknown> }[] = []
  const stop = async (): Promise<void> => void (await Promise.all(started.map((one) => one.stop())))
  try {
    for (const name of NAMES) started.push({ name, ...(await startInstance(name, client, ground.envFile, ground.run)) })
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return {
    instances: started.map(({ name, url }) => ({ name, url, pidFile: join(ground.run, `${name}.pid`) })),
    async holders(value) {
      const answers = await Promise.all(started.map(async ({ url }) => {
        const nonce = freshNonce()
        const { answer } = (await (await fetch(`${url}/attest`, { method: 'POST', body: JSON.stringify({ nonce }) })).json()) as { readonly answer?: string }
        return answer === answerChallenge(new Secret(value), nonce)
      }))
      return answers.filter(Boolean).length
    },
    stop,
  }
}
