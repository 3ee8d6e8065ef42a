import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { IncidentRecord } from '../../src/emergency/record.ts'
import { expectRun, useTheatre } from '../worlds/theatre.ts'

const theatre = useTheatre()

interface Outcome { readonly incident: string; readonly results: readonly { readonly secret: string; readonly outcome: { readonly is: string; readonly result: string } }[]; readonly record: IncidentRecord }

it('every secret of a store is ended and replaced in one emergency, whichever way the store is called; one that is not there is named with those that are', async () => {
  const world = await theatre.open()
  await world.addSecret('reports')
  await world.addSecret('billing')
  const before = readFileSync(world.stage.envFile, 'utf8')
  const dsns = [...before.matchAll(/postgres:\/\/\S+/g)].map(([dsn]) => dsn)
  expect(dsns).toHaveLength(3)
  expectRun(await world.keyturn(['emergency', '--in-store', 'another.env', '--reason', 'a test', '--yes']), 2, /no secret has the store another.env/, /dotenv /)
  const ran = await world.keyturn(['emergency', '--in-store', '.env', '--reason', 'the disk of the host was copied', '--yes', '--json'])
  expectRun(ran, 0)
  const { results, record } = ran.json() as Outcome
  expect(results.map(({ secret, outcome }) => [secret, outcome.result])).toEqual([['database', 'done'], ['reports', 'done'], ['billing', 'done']])
  expect(await Promise.all(dsns.map((dsn) => world.login(dsn)))).toEqual(['28P01', '28P01', '28P01'])
  const now = [...readFileSync(world.stage.envFile, 'utf8').matchAll(/postgres:\/\/\S+/g)].map(([dsn]) => dsn)
  expect(await Promise.all(now.map((dsn) => world.login(dsn)))).toEqual(['accepted', 'accepted', 'accepted'])
  expect(record.secrets.map(({ secret }) => secret).sort()).toEqual(['billing', 'database', 'reports'])
  const at = (type: string, step: string): string[] => record.timeline.filter((entry) => entry.type === type && entry.step === step).map((entry) => entry.at).sort()
  console.log(`a set of three: exposures ${record.secrets.map(({ exposureMs }) => exposureMs).join(', ')} ms, ended between ${at('step-done', 'forget')[0]} and ${at('step-done', 'forget')[2]}`)
})

it('commands learn that the secret is compromised: those of the issuer, the consumer and the check (S2-48)', async () => {
  const world = await theatre.open({
    manifest: (secret, { run }) => {
      // What the issuer's commands keep of the password is a digest.
      const apply = join(run, 'apply.sh')
      const probe = join(run, 'probe.sh')
      const told = (what: string): string => `echo "\${SECRET_COMPROMISED-no}" >> '${join(run, what)}'`
      writeFileSync(apply, `#!/bin/sh\n${told('issuer')}\nsha256sum > '${join(run, 'digest')}'\n`, { mode: 0o700 })
      writeFileSync(probe, `#!/bin/sh\nsha256sum | cmp -s - '${join(run, 'digest')}'\n`, { mode: 0o700 })
      const consumer = join(run, 'consumer.sh')
      const check = join(run, 'check.sh')
      writeFileSync(consumer, `#!/bin/sh\n${told('consumer')}\n`, { mode: 0o700 })
      writeFileSync(check, `#!/bin/sh\n${told('check')}\n`, { mode: 0o700 })
      secret.issuer = { use: 'command', principal: 'mailer', apply: [apply], probe: [probe] }
      secret.stores = [{ use: 'dotenv', file: '.env', bind: { MAIL_PASSWORD: '{password}' } }]
      secret.consumers = [{ use: 'command', run: [consumer], services: ['mail'] }]
      secret.checks = [{ use: 'command', run: [check] }]
      secret['quiet'] = '0s'
    },
  })
  const { run, stage } = world
  const { createHash, randomBytes } = await import('node:crypto')
  const password = randomBytes(24).toString('hex')
  writeFileSync(stage.envFile, `${readFileSync(stage.envFile, 'utf8')}MAIL_PASSWORD=${password}\n`)
  writeFileSync(join(run, 'digest'), `${createHash('sha256').update(`${JSON.stringify({ id: 'mailer', fields: { user: 'mailer', password } })}\n`).digest('hex')}  -\n`)
  const said = (what: string): string[] => readFileSync(join(run, what), 'utf8').trim().split('\n')
  expectRun(await world.keyturn(['emergency', 'database', '--reason', 'a test', '--yes']), 0)
  expect([said('issuer'), said('consumer')]).toEqual([['true'], ['true']])
  expect(said('check').at(-1)).toBe('true')
})

it('of a state in PostgreSQL the record is made on request, on any machine, and holds no value', async () => {
  const world = await theatre.open()
  const url = new URL(theatre.server.adminUrl)
  url.searchParams.set('options', `-c search_path=state_${world.role}`)
  const env = { EMERGENCY_STATE: url.href, XDG_STATE_HOME: join(world.run, 'host') }
  writeFileSync(world.stage.manifest, `${readFileSync(world.stage.manifest, 'utf8')}state: "\${env:EMERGENCY_STATE}"\n`)
  const out = mkdtempSync(join(world.run, 'record-'))
  const ran = await world.keyturn(['emergency', 'database', '--reason', 'a test', '--yes'], { env })
  expectRun(ran, 0)
  expect(ran.said).not.toContain('record:')
  expectRun(await world.keyturn(['incident', 'show', '--out', out], { env }), 0, /# Incident incident-/, /proof prove, /)
  expect(readdirSync(out).map((name) => name.replace(/^.*\./, '')).sort()).toEqual(['json', 'md'])
})
