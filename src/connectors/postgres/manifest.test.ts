import { expect, it } from 'vitest'
import { registry } from '../../connectors.gen.ts'
import { parseManifest } from '../../yaml/load.ts'

const written = (admin: string): string => `version: 1
system: shop
secrets:
  database:
    issuer: { use: postgres, admin: "${admin}", role: shop, strategy: in-place }
    stores: [{ use: dotenv, file: .env, bind: { PGPASSWORD: "{password}" } }]
`

it.each([
  ['PG_ADMIN_URL', 'keyturn.yaml:5:37 `admin` is no reference; write a reference such as `${env:PG_ADMIN_URL}`'],
  ['postgres://keeper@db/postgres', 'keyturn.yaml:5:37 `admin` is a literal secret; write `${env:NAME}`'],
])('takes no admin but a reference: %s (X-14, X-15)', async (admin, about) => {
  await expect(parseManifest(written(admin), 'keyturn.yaml', { registry })).rejects.toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID', about }))
})

it('takes an admin of which a part is a reference', async () => {
  for (const admin of ['${env:PG_ADMIN_URL}', '${exec:pass show db/admin}', 'postgres://keeper:${file:admin-password}@db/postgres']) {
    expect((await parseManifest(written(admin), 'keyturn.yaml', { registry })).secrets['database']?.issuer.config['admin']).toBe(admin)
  }
})
