import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { certify } from '../../../test/fixture/certificates.ts'
import { makeClusters } from '../../../test/fixture/clusters.ts'
import { sealedFile } from '../../../test/fixture/sealed-file.ts'
import { type Ran, startKeyturn } from '../../../test/worlds/keyturn.ts'
import { startFakeForge } from './fake.ts'
import { sealerOf } from './seal.ts'

const FILE = 'apps/key.sealed.yaml'
const NAMED = { namespace: 'atlas', name: 'key' }

it('a rotation through the command line waits for the person who merges the proposal, goes on when it is answered, and takes the branch away', async () => {
  const controller = certify({ commonName: 'sealed-secrets', by: certify({ commonName: 'fake' }), rsa: true })
  const sealer = sealerOf(controller.cert, 'the certificate')
  if (sealer.is !== 'done') throw new Error(sealer.is)
  const clusters = makeClusters({ [FILE]: sealedFile({ ...NAMED, values: { KEY: 'a'.repeat(64) }, seal: (value) => sealer.value.seal(value, 'atlas/key') }) })
  const forge = await startFakeForge({ root: clusters.root, followed: { repository: clusters.repository, branch: 'main', file: FILE, ...NAMED, certificate: controller.cert, key: controller.key } })
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-proposal-'))
  const run = (...args: readonly string[]): Promise<Ran> => startKeyturn(args, { cwd: folder, env: { KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' } }).end
  try {
    writeFileSync(join(folder, 'kubeconfig'), JSON.stringify({
      'current-context': 'fake', contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake' } }],
      clusters: [{ name: 'fake', cluster: { server: forge.api.url } }], users: [{ name: 'fake', user: { token: 'of-the-fake' } }],
    }))
    const store = {
      use: 'sealed-secrets', git: { remote: `file://${clusters.repository}`, file: FILE, propose: 'keyturn/key' }, ...NAMED,
      controller: forge.api.url, flux: { kustomization: 'apps' }, kubeconfig: 'kubeconfig', bind: { KEY: '{value}' },
    }
    const live = { impact: 'none', issuer: { use: 'random', name: 'live', format: 'hex', length: 32 }, stores: [store] }
    writeFileSync(join(folder, 'keyturn.yaml'), JSON.stringify({ version: 1, system: 'live', environment: 'staging', secrets: { live } }))
    const asked = await run('rotate', 'live', '--reason', 'test')
    expect(asked, asked.said).toMatchObject({ code: 4 })
    expect(asked.said).toContain('Asked: Merge the branch keyturn/key into main')
    expect(clusters.git('log', '--format=%s', 'main')).toBe('An edit')
    clusters.git('update-ref', 'refs/heads/main', 'keyturn/key')
    const answered = await run('task', 'answer', 'live')
    expect(answered, answered.said).toMatchObject({ code: 0 })
    expect(answered.said).toContain('Done: live-')
    expect(clusters.git('log', '--format=%s', '--all')).toBe('Seal atlas/key again\nAn edit')
    expect(clusters.git('branch', '--list', 'keyturn/key')).toBe('')
  } finally {
    await forge.close()
    clusters.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
