import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ALNUM, generate } from '../../../src/kit/generate.ts'
import { blocksOf, openPerson } from '../../fixture/follow.ts'
import { startKeyturn } from '../../worlds/keyturn.ts'
import { at } from '../vault/ask.ts'
import { startServer } from '../vault/server.ts'
import { vaultProgram } from '../vault/system.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

it('who has only the text writes a new value to Vault, and the other keys of that secret stay (S1-70, C-01, C-20)', async () => {
  const program = await vaultProgram.bring()
  const server = await startServer()
  undo.push(() => server.stop())
  await server.ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  const old = generate(ALNUM, 43)
  for (let left = 50; left > 0; left -= 1) if (await server.ask('POST', 'secret/data/shop/web', { data: { session: old, other: 'stays' } }).then(() => true, () => false)) break
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-byhand-'))
  undo.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'keyturn.yaml'), `version: 1
system: shop
secrets:
  session:
    issuer: { use: random, name: session, format: alnum }
    stores: [{ use: vault, address: "${server.url}", token: "\${env:VAULT_TOKEN}", path: secret/shop/web, bind: { session: "{value}" } }]
    consumers: [{ use: command, run: ["true"], services: [web] }]
`)
  const made = await startKeyturn(['runbook', 'session'], { cwd: folder, env: {} }).end
  expect(made, made.said).toMatchObject({ code: 0 })
  const person = openPerson(mkdtempSync(join(tmpdir(), 'keyturn-person-')), [dirname(program)])
  undo.push(() => person.close())
  for (const heading of [/^## Before you begin/, /^## The way forward/]) for (const block of blocksOf(made.out, heading)) await person.type(block, block.run.includes('read -rsp') ? [server.root] : [])
  const data = at(await server.ask('GET', 'secret/data/shop/web'), 'data', 'data') as Record<string, string>
  expect(data).toEqual({ session: expect.stringMatching(/^[A-Za-z0-9]{43}$/), other: 'stays' })
  expect(data['session']).not.toBe(old)
  for (const value of [old, data['session'] ?? '', server.root]) expect(made.out + person.commandLines()).not.toContain(value)
  for (const block of blocksOf(made.out, /^## The way back/)) await person.type(block)
  expect(at(await server.ask('GET', 'secret/data/shop/web'), 'data', 'data')).toEqual({ session: old, other: 'stays' })
})
