import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startKeyturn } from '../../test/worlds/keyturn.ts'
import type { SignedReceipt } from '../../src/proof/receipt.ts'
import type { Ground } from './ground.ts'
import type { Service } from './service.ts'
import type { Opened, Way, World } from './way.ts'

const NOTE = 'The package as it is published, run by hand: rotate --wait, from its start to the signed receipt.'
const WAITS = 'Its total has 1 s of grace, of quiet and of undo window in it, as the manifest asks for; a real one waits for hours or days there.'
const GAP = 'One password, for where nothing else is possible. The instances are reloaded one after the other and each is looked at, so its gap is longer than that of a script that looks at nothing.'

/** keyturn with two roles that take turns, and with one. */
export const keyturns: readonly Way[] = [
  {
    id: 'keyturn-alternate', title: 'keyturn, alternate', notes: [NOTE, WAITS], receipt: 'signed, verified',
    back: 'abort or undo, until the old one is gone', open: (ground, world) => open(ground, world, 'alternate'),
  },
  {
    id: 'keyturn-in-place', title: 'keyturn, in-place', notes: [NOTE, GAP], receipt: 'signed, verified',
    back: 'abort, until it is done', open: (ground, world) => open(ground, world, 'in-place'),
  },
]

async function open(ground: Ground, world: World, strategy: 'alternate' | 'in-place'): Promise<Opened> {
  await ground.write(ground.first)
  const setting = { launcher: await world.keyturn(), cwd: ground.folder, env: { PG_ADMIN_URL: ground.adminUrl, KEYTURN_IDENTITY: join(ground.folder, 'identity') } }
  return {
    client: new URL('client.ts', import.meta.url),
    login: () => ground.read(),
    async rotate(service) {
      await writeFile(join(ground.folder, 'keyturn.yaml'), manifestFor(ground, strategy, service))
      const from = performance.now()
      const ran = await startKeyturn(['rotate', 'database', '--wait', '--json', '--reason', 'bench'], setting).end
      const to = performance.now()
      if (ran.code !== 0) throw new Error(`keyturn ended with ${ran.code ?? ran.signal}: ${ran.said}`)
      const { receipt: file = '' } = ran.json() as { readonly receipt?: string }
      const verified = await startKeyturn(['audit', 'verify', '--receipt', file], setting).end
      if (verified.code !== 0) throw new Error(`the receipt is not verified: ${verified.said}`)
      const { receipt } = JSON.parse(await readFile(file, 'utf8')) as SignedReceipt
      return { from, to, ...refusalIn(receipt.proof) }
    },
    close: async () => undefined,
  }
}

/** In the evidence of the last pair of probes: `old at primary: rejected 28P01`. */
function refusalIn(proof: SignedReceipt['receipt']['proof']): { readonly proof?: string } {
  const [, code] = /"old[^"]*":"rejected (\w+)"/.exec(JSON.stringify(proof)) ?? []
  return code === undefined ? {} : { proof: code }
}

function manifestFor(ground: Ground, strategy: string, { instances }: Service): string {
  const role = ground.first.user
  return stringify({
    version: 1, system: 'ways', environment: 'production',
    secrets: {
      database: {
        grace: '1s', quiet: '1s', undo: '1s',
        issuer: { use: 'postgres', admin: '${env:PG_ADMIN_URL}', role, database: role, strategy },
        stores: [{ use: 'dotenv', file: '.env', bind: { DATABASE_URL: { url: { user: 'user', password: 'password' } } } }],
        consumers: [{
          wave: [{
            use: 'process', name: 'live', reload: { signal: 'SIGHUP' },
            instances: instances.map(({ name, url, pidFile }) => ({ name, pidFile, ready: `${url}/readyz` })),
            attest: { use: 'http', challenges: Object.fromEntries(instances.map(({ name, url }) => [name, `${url}/attest`])) },
          }],
        }],
        checks: instances.map(({ url }) => ({ use: 'http', url: `${url}/readyz` })),
      },
    },
  })
}
