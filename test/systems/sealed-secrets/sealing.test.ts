import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sealerOf } from '../../../src/connectors/sealed-secrets/seal.ts'
import { unsealed } from '../../../src/connectors/sealed-secrets/provider.ts'
import { Secret } from '../../../src/kit/secret.ts'
import { type Certified, certify } from '../../fixture/certificates.ts'
import { runProgram } from '../parts/program.ts'
import { sealedSecretsPrograms } from './rig/parts.ts'

let kubeseal: string
let folder: string
let controller: Certified
beforeAll(async () => {
  kubeseal = join(await sealedSecretsPrograms.bring(), 'kubeseal')
  folder = mkdtempSync(join(tmpdir(), 'keyturn-kubeseal-'))
  controller = certify({ commonName: 'sealed-secrets', by: certify({ commonName: 'test' }), rsa: true })
  writeFileSync(join(folder, 'key.pem'), controller.key, { mode: 0o600 })
  writeFileSync(join(folder, 'cert.pem'), controller.cert)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const VALUES = { short: 'x', ascii: 'with \'quotes\', "more" and $signs', letters: 'ä€🔑\n', long: 'k'.repeat(20_000) }

/** A SealedSecret of these values as keyturn seals them, in JSON. */
function sealedFor(name: string, scope: string): string {
  const sealer = sealerOf(controller.cert, 'the certificate')
  if (sealer.is !== 'done') throw new Error(sealer.is)
  const encryptedData = Object.fromEntries(Object.entries(VALUES).map(([key, value]) => [key, sealer.value.seal(new Secret(value), scope)]))
  return JSON.stringify({ apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', metadata: { name, namespace: 'atlas' }, spec: { encryptedData } })
}

const recover = (input: string) => runProgram(kubeseal, ['--recovery-unseal', '--recovery-private-key', join(folder, 'key.pem')], { input })

it('kubeseal recovers what we sealed, every byte of it (S4-16)', async () => {
  const { code, out, err } = await recover(sealedFor('db', 'atlas/db'))
  expect(code, err).toBe(0)
  const { data } = JSON.parse(out) as { readonly data: Readonly<Record<string, string>> }
  expect(Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()])) as unknown).toEqual(VALUES)
})

it('kubeseal does not recover it under another name: the scope is strict (S4-16)', async () => {
  const { code, err } = await recover(sealedFor('other', 'atlas/db'))
  expect(code).not.toBe(0)
  expect(err).toContain('no key could decrypt secret')
})

it('the pretended controller of our tests opens what kubeseal sealed', async () => {
  const secret = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace: 'atlas' }, stringData: { ascii: VALUES.ascii } })
  const { code, out, err } = await runProgram(kubeseal, ['--cert', join(folder, 'cert.pem'), '--format', 'json'], { input: secret })
  expect(code, err).toBe(0)
  const { spec } = JSON.parse(out) as { readonly spec: { readonly encryptedData: Readonly<Record<string, string>> } }
  expect(unsealed(spec.encryptedData['ascii'] ?? '', controller.key, 'atlas/db').toString()).toBe(VALUES.ascii)
})
