import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { type Files, makeRepository } from '../../test/fixture/repository.ts'
import { problemsOf, unsetOf } from './problems.ts'
import { scanRepository } from './repository.ts'

const random = (): string => randomBytes(16).toString('hex')

async function told(files: Files, git = false): Promise<readonly string[]> {
  return problemsOf(await scanRepository(makeRepository(files, { git }))).map(({ seen, what }) => `${seen.file}:${seen.line} ${what}`)
}

it('an env file with secrets that git tracks or does not ignore (S0-04, S0-62)', async () => {
  const env = `API_TOKEN=${random()}\n`
  expect(await told({ '.env': env, 'gateway-bot/.env': env, 'plain.env': 'PORT=80\n', '.gitignore': '/.env\n' }, true)).toEqual(['gateway-bot/.env:1 git tracks this file, and it holds secrets'])
  expect(await told({ '.env': env })).toEqual([])
})

it('a value in an example; words that stand for one are none (S0-05)', async () => {
  const example = `A_TOKEN=<token>\nB_TOKEN=${random()}\nDATABASE_URL=postgres://user:password@localhost/db\nURL=postgres://u:${random()}@db/x\nSTRIPE_SECRET_KEY=sk_live_${random()}\nC_SECRET=something\n`
  expect(await told({ '.env.example': example }, true)).toEqual([2, 4, 5].map((line) => expect.stringMatching(`^.env.example:${line} .* has what looks like a value, in an example`)))
})

it('values in the clear in compose files and manifests of Kubernetes', async () => {
  const compose = `services:\n  api:\n    environment:\n      API_TOKEN: ${random()}\n      JWT_SECRET: \${JWT_SECRET:-${random()}}\n      PORT: 80\n      DB_PASSWORD: \${DB_PASSWORD:?}\n`
  const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: api }\nstringData: { TOKEN: ${random()}, OTHER: "<fill in>" }\n`
  const deployment = `apiVersion: v1\nkind: Deployment\nmetadata: { name: api }\nspec: { template: { spec: { containers: [{ env: [{ name: API_KEY, value: ${random()} }] }] } } }\n`
  const files = { 'compose.yaml': compose, 'a.yaml': secret, 'b.yaml': deployment }
  const always = ['b.yaml:4 the value of API_KEY stands in Deployment/api in the clear', 'compose.yaml:4 the value of API_TOKEN stands here in the clear', 'compose.yaml:5 a fallback for JWT_SECRET stands here in the clear']
  expect(await told(files, true)).toEqual(['a.yaml:4 Secret/api has the value of TOKEN in a file that git tracks', ...always])
  expect(await told(files)).toEqual(always)
})

it('a secret file of compose that git tracks', async () => {
  expect(await told({ 'compose.yaml': 'services: {}\nsecrets: { db_password: { file: db.txt } }\n', 'db.txt': random() }, true)).toEqual(['db.txt:1 git tracks this secret file'])
})

it('one value in two environments (C-23)', async () => {
  const value = random()
  expect(await told({ '.env.production': `API_TOKEN=${value}`, '.env.staging': `OTHER_TOKEN=${value}`, '.env': `X_TOKEN=${value}` })).toEqual(['.env.production:1 API_TOKEN has the same value in production and staging'])
  expect(await told({ '.env.production': 'DB_PASSWORD=postgres', '.env.staging': 'DB_PASSWORD=postgres' })).toEqual([])
})

it('secrets by name that have no value here, and those that only code asks for', async () => {
  const root = makeRepository({
    '.env': 'API_KEY=\nB_TOKEN=changeme\nPORT=\nSET_TOKEN=x1y2z3\n',
    '.env.example': 'C_TOKEN=\n',
    'a.py': 'os.getenv("C_TOKEN")\nos.getenv("C_TOKEN")\nos.getenv("HOST")\nos.getenv("SET_TOKEN")\nos.getenv("MAIL_PASSWORD")',
    'k8s.yaml': 'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec: { containers: [{ env: [{ name: MAIL_PASSWORD, valueFrom: { secretKeyRef: { name: mail, key: p } } }] }] }\n',
  })
  expect(unsetOf(await scanRepository(root)).map(({ key, seen, shape }) => [key, `${seen.file}:${seen.line}`, shape])).toEqual([
    ['API_KEY', '.env:1', 'empty'], ['B_TOKEN', '.env:2', 'placeholder'], ['C_TOKEN', 'a.py:1', undefined],
  ])
})
