import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Files, makeRepository } from '../../test/fixture/repository.ts'
import { registry } from '../connectors.gen.ts'
import { parseManifest } from '../yaml/load.ts'
import { writeDraft } from './draft.ts'
import { propose } from './propose.ts'
import { scanRepository } from './repository.ts'

const random = (): string => randomBytes(32).toString('hex')
const options = { from: (path: string) => path, issuers: ['postgres', 'random'] }

async function draftFor(files: Files): Promise<string> {
  return writeDraft(propose(await scanRepository(makeRepository(files)), 'shop'), options)
}

/** The comments of the undecided part, as a person would take the `#` away. */
function uncommented(text: string): string {
  const [before = '', after = ''] = text.split(/^ *# Not decided\..*\n.*\n/m)
  return before + after.split('\n').filter((line) => /^ {2}# (?:[a-z][\w-]*:$| )/.test(line)).map((line) => line.replace('# ', '')).join('\n')
}

describe('a draft', () => {
  it('is a valid manifest with what is decided, on lines as people write them', async () => {
    const text = await draftFor({ '.env': `DATABASE_URL=postgres://shop:${random()}@db/shop\nJWT_SECRET=${random()}\nADMIN_TOKEN=${random()}\n`, 'compose.yaml': 'services:\n  api: { env_file: .env }\n  job: { env_file: .env }\n' })
    const { secrets } = await parseManifest(text, 'keyturn.yaml', { registry })
    expect(Object.entries(secrets).map(([name, { issuer, stores }]) => [name, issuer.use, stores.map(({ config }) => config['file'])])).toEqual([['database', 'postgres', ['.env']], ['jwt-secret', 'random', ['.env']]])
    expect(secrets['database']?.waves).toMatchObject([[{ use: 'command', config: { run: ['docker', 'compose', 'up', '-d', '--force-recreate', '--no-deps', '{services}'], services: ['api', 'job'] } }]])
    expect(text).toContain('          DATABASE_URL: { url: { user: user, password: password } }\n')
    expect(text).toContain('        services: [ api, job ]\n')
    expect(text).toContain('  # DATABASE_URL (.env:1)\n')
    expect(text).not.toMatch(/[ \t]$/m)
  })

  it('has what is not decided as comments, which are a valid manifest once what is open is filled in', async () => {
    const text = await draftFor({ '.env': `JWT_SECRET=${random()}\nADMIN_TOKEN=${random()}\n`, 'b/.env': `API_KEY=${random()}\n`, 'b/x.py': 'os.getenv("API_KEY")\n'.repeat(5) })
    expect(text).toContain('  # API_KEY (b/.env:1)\n  # Read by b/x.py:1, b/x.py:2, b/x.py:3 and 2 more\n')
    expect(text).toContain('  # Open: who makes it and who checks it cannot be told from its name.\n  # admin-token:\n')
    expect(Object.keys((await parseManifest(text, 'k.yaml', { registry })).secrets)).toEqual(['jwt-secret'])
    const filled = uncommented(text).replaceAll('use: ...', 'use: random\n      name: x\n      format: hex')
    expect(Object.keys((await parseManifest(filled, 'k.yaml', { registry })).secrets)).toEqual(['jwt-secret', 'admin-token', 'api-key'])
  })

  it('with nothing decided has an empty `secrets` that waits for the first one, and is not valid before', async () => {
    const text = await draftFor({ '.env': `ADMIN_TOKEN=${random()}\n` })
    await expect(parseManifest(text, 'k.yaml', { registry })).rejects.toThrow(/secrets/)
    const filled = uncommented(text).replace('use: ...', 'use: random\n      name: x\n      format: hex')
    expect(Object.keys((await parseManifest(filled, 'k.yaml', { registry })).secrets)).toEqual(['admin-token'])
    expect(parse(await draftFor({}))).toMatchObject({ secrets: null })
  })

  it('names paths from the folder of the manifest, and the project\'s folder and file where they are not plain', async () => {
    const files = { 'deploy/.env': `JWT_SECRET=${random()}\n`, 'deploy/compose.prod.yaml': 'services:\n  api: { env_file: .env }\n' }
    const draft = propose(await scanRepository(makeRepository(files)), 'shop')
    const { secrets } = await parseManifest(writeDraft(draft, { ...options, from: (path) => `../${path}` }), 'k.yaml', { registry })
    expect(secrets['jwt-secret']?.stores[0]?.config['file']).toBe('../deploy/.env')
    expect(secrets['jwt-secret']?.waves[0]?.[0]?.config).toMatchObject({ cwd: '../deploy', run: ['docker', 'compose', '-f', 'compose.prod.yaml', 'up', '-d', '--force-recreate', '--no-deps', '{services}'] })
  })

  it('survives names that YAML would read as something else', async () => {
    const files = { 'compose.yaml': 'name: "123"\nservices:\n  "true": { env_file: "on.env" }\n  "1e3": { env_file: on.env }\n', 'on.env': `JWT_SECRET=${random()}\n` }
    const manifest = await parseManifest(await draftFor(files), 'k.yaml', { registry })
    expect(manifest.system).toBe('123')
    expect(manifest.secrets['jwt-secret']?.waves[0]?.[0]?.config['services']).toEqual(['true', '1e3'])
  })
})
