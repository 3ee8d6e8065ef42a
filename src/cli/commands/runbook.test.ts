import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keptSession } from '../../../test/fixture/session.ts'
import { tempFolder } from '../../../test/fixture/state.ts'
import { byHand } from '../../connectors.gen.ts'
import type { Runbook } from '../../runbook/runbook.ts'
import { run } from './runbook.ts'

const random = (): string => randomBytes(24).toString('hex')

const MANIFEST = `version: 1
system: atlas
environment: production
state: state
preflight: [{ use: command, run: [make, doctor] }]
escalation:
  - { when: connections-broken, secret: database, do: [Restart all pods.], contacts: ['#support'], link: 'https://runbooks.example/db' }
  - { when: leak, secret: session, do: [Never shown here.] }
secrets:
  database:
    owner: platform
    notify: [ops]
    every: 90d
    grace: 48h
    issuer: { use: postgres, admin: "\${env:PG_ADMIN_URL}", role: shop }
    stores:
      - { use: dotenv, file: .env, bind: { DATABASE_URL: { url: { user, password } } } }
      - { use: file, format: json, file: db.json, bind: { db.url: "postgres://{user}:{password}@db:5432/shop", db.password: "{password}" } }
    consumers:
      - wave: [{ use: process, instances: [{ name: shop-1, pidFile: run/shop-1.pid, ready: "http://127.0.0.1:1/readyz" }], reload: { restart: [./restart, "{name}"] } }]
      - wave: [{ use: command, run: [make, job], services: [job] }]
    checks:
      - { use: http, url: "http://127.0.0.1:1/readyz", headers: { authorization: "Bearer \${env:PROBE_TOKEN}" }, expect: { json: { postgres: ok, depth: null } } }
  session:
    issuer: { use: random, format: base64, name: session }
    impact: everyone signs in again
    stores: [{ use: file, format: whole, file: session.key, bind: { content: "{value}" } }]
    consumers: [{ use: command, run: [make, web], services: [web] }]
  cache:
    issuer: { use: redis, admin: "\${env:REDIS_ADMIN_URL}", user: shop, nodes: [{ name: a, host: a.example }, { name: b, host: b.example, port: 6380 }] }
    stores: [{ use: vault, address: "http://127.0.0.1:1", login: { role_id: keyturn, secret_id: "\${env:VAULT_SECRET_ID}" }, path: secret/shop, bind: { user: "{user}", password: "{password}" } }]
    consumers:
      - { use: docker, compose: { project: shop, service: web, scale: 2 } }
      - { use: docker, container: { name: job, envFile: job.env } }
  token:
    issuer: { use: random, name: token, format: hex, strategy: dual-key }
    tokens: { life: 1h, cache: 5m }
    stores: [{ use: file, file: token.json, format: json, bind: { /now: "{value}", /before: { previous: "{value}" } } }]
    consumers: [{ use: command, run: [make, web], services: [web] }]
  graph:
    issuer: { use: neo4j, admin: "\${env:NEO4J_ADMIN_URL}", user: graph }
    stores: [{ use: dotenv, file: .env, bind: { NEO4J_USER: "{user}", NEO4J_PASSWORD: "{password}" } }]
    consumers: [{ use: command, run: [make, web], services: [web] }]
`

function folder(): { readonly manifest: string; readonly values: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const root = tempFolder()
  const values = [random(), random(), random(), random()]
  const [password = '', session = '', admin = '', token = ''] = values
  writeFileSync(join(root, '.env'), `DATABASE_URL=postgres://shop:${password}@db:5432/shop\nNEO4J_USER=graph\nNEO4J_PASSWORD=${password}\n`, { mode: 0o600 })
  writeFileSync(join(root, 'session.key'), session, { mode: 0o600 })
  writeFileSync(join(root, 'keyturn.yaml'), MANIFEST)
  return { manifest: join(root, 'keyturn.yaml'), values, env: { PG_ADMIN_URL: `postgres://root:${admin}@db/shop`, PROBE_TOKEN: token } }
}

async function made(secret: string): Promise<{ readonly runbook: Runbook; readonly text: string }> {
  const { manifest, env } = folder()
  const [asJson, asText] = [keptSession(env), keptSession(env)]
  await run(asJson, [secret], { manifest, json: true })
  await run(asText, [secret], { manifest })
  return { runbook: (asJson.json() as { readonly runbook: Runbook }).runbook, text: asText.out() }
}

function commandsOf({ begin, forward, back, resume }: Runbook): readonly string[] {
  return [...[...begin, ...forward, ...back].flatMap(({ instructions }) => instructions), ...resume].flatMap(({ run: commands }) => commands ?? [])
}

describe('keyturn runbook', () => {
  it('says what the escalation table of the manifest says of this secret, and of no other (R-13, S3-62)', async () => {
    const { runbook, text } = await made('database')
    expect(runbook.failures.at(-1)).toEqual(['connections-broken', 'Restart all pods. Ask: #support. <https://runbooks.example/db>'])
    expect(text).toContain('Restart all pods.')
    expect(text).not.toContain('Never shown here.')
  })

  it('has ways by hand for those connectors that its page names', () => {
    const page = readFileSync(new URL('../../../docs/runbooks.md', import.meta.url), 'utf8')
    const named = [...page.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id)
    expect(named.length).toBeGreaterThan(9)
    expect(Object.keys(byHand)).toEqual(expect.arrayContaining(named))
  })

  it('writes a text of every active secret that holds no value, looks at no store, and leaves no state behind (S1-70, I11)', async () => {
    const { manifest, values, env } = folder()
    const session = keptSession(env)
    const out = `${manifest}.md`
    expect(await run(session, [], { manifest, out })).toBe(0)
    const text = readFileSync(out, 'utf8')
    for (const name of ['database', 'session', 'cache', 'token', 'graph']) expect(text).toContain(`# ${name} of atlas (production), rotated by hand`)
    for (const value of values) expect(text + session.out() + session.err()).not.toContain(value)
    expect(existsSync(`${manifest.slice(0, -'keyturn.yaml'.length)}state`)).toBe(false)
  })

  it('has a numbered step for each step of the plan and of the way back, and names the one of no return', async () => {
    const { runbook, text } = await made('database')
    const steps = [...runbook.begin, ...runbook.forward, ...runbook.back]
    expect(steps.map(({ number }) => number)).toEqual(steps.map((_, index) => index + 1))
    expect(runbook.forward.map(({ step }) => step)).toEqual(expect.arrayContaining(['preflight', 'mint', 'publish:0', 'publish:1', 'reload:0.0', 'reload:1.0', 'check:0', 'grace', 'gate:off', 'off', 'prove:off', 'gone']))
    expect(runbook.noReturn).toContain(`Step ${runbook.forward.find(({ step }) => step === 'gone')?.number} `)
    expect(text).toMatch(/\| owner \| platform \|/)
    expect(text).toMatch(/platform, ops: that you begin/)
    expect(runbook.back.every(({ step = '', onlyIf }) => onlyIf !== undefined || /sweep|receipt/.test(step))).toBe(true)
  })

  it.each(['database', 'session', 'cache', 'token', 'graph'])('writes commands that bash can read, with values in variables only: %s (C-01)', async (secret) => {
    const { runbook } = await made(secret)
    const commands = commandsOf(runbook)
    const { status, stderr } = spawnSync('bash', ['-n'], { input: commands.join('\n'), encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    // What is asked for is put into a variable and not shown.
    expect(commands.join('\n').match(/\bread -/g)?.length ?? 0).toBe(commands.join('\n').match(/\bread -rsp /g)?.length ?? 0)
  })

  it('asks for what references stand for, and hands it to a program by its input (C-01)', async () => {
    const { runbook } = await made('database')
    expect(runbook.asks).toEqual(['what the variable PG_ADMIN_URL holds', 'what the variable PROBE_TOKEN holds'])
    expect(commandsOf(runbook).find((commands) => commands.includes('curl -sS'))).toContain(`-K <(printf 'header = %s\\n' "$(json 'authorization: ''Bearer '"$PROBE_TOKEN")")`)
  })

  it('makes containers anew, never restarts them, and looks into them (C-06, C-07)', async () => {
    const { runbook } = await made('cache')
    const commands = commandsOf(runbook).join('\n')
    expect(commands).toContain('docker compose -p shop up -d --no-deps --no-build --force-recreate --scale web=2 web')
    expect(commands).not.toMatch(/docker (compose )?restart/)
    expect(commands).toMatch(/docker inspect -f .*Config\.Env.* \| grep -Fxq -f <\(printf/)
  })

  it('puts two keys beside each other in the order in which nothing is refused (C-09, G-05)', async () => {
    const { runbook } = await made('token')
    const writes = runbook.forward.filter(({ step = '' }) => step.includes('publish')).map(({ instructions: [first] }) => [...(first?.run ?? '').matchAll(/^(HELD_\w+)=(.*)$/gm)].map(([, , text]) => text))
    expect(writes).toEqual([['"$NEW_VALUE"'], ['"$OLD_VALUE"'], []])
    expect(commandsOf(runbook).join('\n')).toContain(`delpaths([["before"]])`)
  })

  it('says of a connector that knows no way by hand where its provider tells it, and makes none up', async () => {
    const { runbook } = await made('graph')
    const mint = runbook.forward.find(({ step }) => step === 'mint')
    expect(mint?.instructions).toHaveLength(1)
    expect(mint?.instructions[0]).not.toHaveProperty('run')
    expect(mint?.instructions[0]?.says).toMatch(/Neo4j says how, <https:\/\/neo4j\.com/)
  })

  it('tells the users first where a secret is cut hard, and that there is a gap', async () => {
    const { runbook, text } = await made('session')
    expect(runbook.tell[0]).toBe('The users, before you begin: everyone signs in again.')
    expect(text).toMatch(/\| gap \| about .* in which new logins fail \|/)
  })
})
