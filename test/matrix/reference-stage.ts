import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { foldProgress } from '../../src/journal/progress.ts'
import { type SignedReceipt, verifyReceipt } from '../../src/proof/receipt.ts'
import { readEvents } from '../../src/journal/read.ts'
import { brokenInvariants } from '../../src/journal/invariants.ts'
import { answerChallenge } from '../../src/kit/challenge.ts'
import { Secret } from '../../src/kit/index.ts'
import { referenceConfig, type ReferenceIssuer, type ReferenceTraits, startReferenceIssuer } from '../../src/testing/index.ts'
import { openState } from '../../src/state/open.ts'
import { listRotations } from '../../src/state/rotation.ts'
import type { Proven } from '../strategies/proof.ts'
import { KEY as TOKEN, tokenIn } from '../strategies/service.ts'
import { SECRET } from '../strategies/stage.ts'
import { startConsumer } from './service.ts'

/** A strategy and the issuer that carries it out. */
export interface Part {
  readonly title: string
  readonly traits: ReferenceTraits
  readonly strategy?: 'hard-cut'
}

/** A reference issuer in this process, and beside it an env file, a consumer and a manifest for the shipped program. */
export interface ReferenceStage {
  readonly server: ReferenceIssuer
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  stored(): string
  /** Opens the state, and gives what a proof looks at. */
  look<T>(body: (proven: Proven) => Promise<T>): Promise<T>
  clear(): Promise<void>
}

/** Answers challenges in the name of all consumers, each with what it holds: `POST /CELL/attest`. */
export async function startAttests(folder: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [, cell = ''] = (request.url ?? '').split('/')
    json(request).then(
      (asked) => response.end(JSON.stringify({ answer: answerChallenge(new Secret(tokenIn(join(folder, cell, 'run/held'))), (asked as { nonce: string }).nonce) })),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

/** Sets a stage in a folder that nobody else has. */
export async function setReferenceStage(root: string, name: string, identity: string, attests: string, part: Part): Promise<ReferenceStage> {
  const [folder, run] = [join(root, name, 'app'), join(root, name, 'run')]
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await mkdir(run)
  const server = await startReferenceIssuer(part.traits)
  const envFile = join(folder, '.env')
  await writeFile(envFile, `# of ${name}\n${TOKEN}=${server.make().fields['token']?.reveal() ?? ''}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'keyturn.yaml'), referenceManifest(part, server, `${attests}/${name}/attest`))
  const consumer = await startConsumer(envFile, run)
  return {
    server, folder,
    env: { ...server.env, KEYTURN_IDENTITY: identity, KEYTURN_DEBUG: '1' },
    stored: () => tokenIn(envFile),
    look: async (body) => {
      const state = await openState(join(folder, '.keyturn'), identity)
      try {
        const [row] = await listRotations(state.db)
        const { events } = await readEvents({ state }, row?.id ?? '')
        const broken = brokenInvariants(events)
        if (broken.length > 0) throw new Error(broken.join('; '))
        const receipt = await readFile(join(folder, '.keyturn/receipts', `${row?.id ?? ''}.json`), 'utf8').catch(() => undefined)
        return await body({
          server, engine: { state }, stored: () => tokenIn(envFile), rotation: () => row?.id ?? '',
          services: { service: { instances: [{ name: 'service-1', holds: tokenIn(join(run, 'held')), proves: true, ready: true }], reloads: [] } },
          events: async () => events,
          progress: async () => foldProgress(events),
          receipt: () => (receipt === undefined ? undefined : verifyReceipt(JSON.parse(receipt) as SignedReceipt)),
        })
      } finally {
        await state.close()
      }
    },
    clear: async () => {
      await consumer.stop()
      await server.close()
    },
  }
}

/** Every kind of step there is, each as short as it can be. */
export function referenceManifest({ traits, strategy }: Part, server: Pick<ReferenceIssuer, 'url' | 'principal'>, attest: string): string {
  return stringify({
    version: 1, system: 'strategies', environment: 'staging',
    secrets: {
      [SECRET]: {
        issuer: referenceConfig(server, traits, { settle: '200ms', recent: '50ms', ...(strategy === undefined ? {} : { strategy }) }),
        impact: 'everybody is logged out',
        grace: '20ms', quiet: { for: '50ms', every: '25ms' }, undo: '20ms', deadline: '2s', ready: '5s',
        stores: [{ use: 'dotenv', file: '.env', bind: { [TOKEN]: '{token}' } }],
        consumers: [{
          use: 'process', name: 'service', instances: [{ name: 'service-1', pidFile: '../run/pid' }], reload: { signal: 'SIGHUP' },
          attest: { use: 'http', challenge: attest },
        }],
      },
    },
  })
}
