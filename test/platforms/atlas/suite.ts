import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { login } from '../../../demo/database.ts'
import { type Load, startLoad } from '../../../demo/load.ts'
import { until } from '../../../demo/until.ts'
import { filesBelow, leaksIn } from '../../worlds/leaks.ts'
import type { Ran } from '../../worlds/keyturn.ts'
import { rotateByHand } from '../by-hand.ts'
import { expectUnfelt, receiptOf, type Shown, tableOf } from '../shown.ts'
import { openPlatform, type Platform, type Surroundings } from './platform.ts'

/** A rotation ships several processes, and other files of a run take the processor meanwhile. */
const LONG = 180_000

/** What a rotation by hand changes. */
const BY_HAND: Readonly<Record<string, string>> = {
  database: 'ATLAS_DB_DSN', 'ai-key': 'DJED_AI_API_KEY', 'openrouter-key': 'OPENROUTER_API_KEY', 'session-secret': 'ATLAS_BFF_SESSION_SECRET', 'web-client': 'ATLAS_BFF_CLIENT_SECRET',
  'graphsync-key': 'the key file',
}

/**
 * Every secret of the example rotated once on real processes, under load. `all`: the secrets that can be, in their order; `byHand`: those
 * that a person rotates once more, who has the text of `keyturn runbook` and nothing else, with the line that each of its questions gets.
 */
export function atlasSuite(title: string, surround: () => Promise<Surroundings & { readonly end?: () => Promise<unknown> }>, all: readonly string[], byHand: readonly string[] = []): void {
  describe(title, () => {
    let [platform, load]: [Platform | undefined, Load | undefined] = [undefined, undefined]
    let end: () => Promise<unknown> = async () => undefined
    const shown: Shown[] = []
    const ran: Ran[] = []
    const values = new Set<string>()
    beforeAll(async () => {
      const { end: over, ...around } = await surround()
      if (over !== undefined) end = over
      platform = await openPlatform(around)
      remember(platform)
    }, 60_000)
    afterAll(async () => {
      await load?.stop()
      await platform?.close()
      await end()
      if (shown.length > 0) console.log(tableOf(title, shown).join('\n'))
    }, 30_000)

    const here = (): Platform => {
      if (platform === undefined) throw new Error('the platform does not stand')
      return platform
    }
    const keyturn = async (...args: readonly string[]): Promise<Ran> => {
      const one = await here().keyturn(...args)
      ran.push(one)
      return one
    }
    function remember({ env, keyFile }: Platform): void {
      const held = env()
      for (const key of ['ATLAS_DB_DSN', 'ATLAS_REDIS_URL']) if (held[key] !== undefined) values.add(new URL(held[key]).password)
      for (const key of ['DJED_AI_API_KEY', 'OPENROUTER_API_KEY', 'ATLAS_BFF_SESSION_SECRET', 'ATLAS_BFF_CLIENT_SECRET']) values.add(held[key] ?? '')
      values.add(readFileSync(keyFile, 'utf8').trim())
    }

    /** Rotates it to the end while every service is asked; the lines of the env file that are not its own stay byte for byte. */
    async function rotate(secret: string, keys: readonly string[], targets: readonly string[], ...args: readonly string[]): Promise<Shown> {
      const others = (): readonly string[] => readFileSync(join(here().folder, '.env'), 'utf8').split('\n').filter((line) => !keys.some((key) => line.startsWith(`${key}=`)))
      const before = others()
      load = startLoad(targets, 30, 5_000)
      const started = load
      await until('the load works', 10_000, () => (started.now().requests > 15 ? true : undefined))
      const one = await keyturn('rotate', secret, '--wait', '--reason', 'runbook', ...args)
      const asked = started.now().requests
      await until('the load goes on', 10_000, () => (started.now().requests > asked + 15 ? true : undefined))
      const report = await started.stop()
      load = undefined
      expect(one, one.said).toMatchObject({ code: 0 })
      expect(others()).toEqual(before)
      remember(here())
      const made = { secret, receipt: receiptOf(here().folder, secret), report }
      shown.push(made)
      return made
    }

    /** By the AI gateway of the cell, or at the provider itself. */
    async function setMode(mode: 'gateway' | 'legacy'): Promise<void> {
      if ((here().env()['DJED_AI_BASE_URL'] === undefined ? 'legacy' : 'gateway') === mode) return
      here().edit((text) => text.replace(/^#?DJED_AI_BASE_URL=/m, mode === 'legacy' ? '#DJED_AI_BASE_URL=' : 'DJED_AI_BASE_URL='))
      expect([await here().make('ship-services'), await here().make('ship-planner')]).toEqual([0, 0])
    }

    const work = (): readonly string[] => ['gateway/work/database', 'graphsync/work/database', 'planner/work/model', 'graphsync/work/token', 'resolver/work/token', ...(all.includes('redis') ? ['gateway/work/sessions'] : [])].map((path) => {
      const [service = '', ...rest] = path.split('/')
      return `${here().url(service as 'gateway')}/${rest.join('/')}`
    })

    it('is counted and planned: each secret with its owner, its strategy and what users feel (S0-01, S0-03, S0-31)', async () => {
      const inventory = (await keyturn('inventory', '--json')).json() as { readonly secrets: readonly { readonly name: string; readonly owner: string }[] }
      expect(inventory.secrets.map(({ name }) => name)).toEqual(all)
      expect(new Set(inventory.secrets.map(({ owner }) => owner))).toEqual(new Set(['platform', 'ai', 'identity']))
      const planned = async (secret: string): Promise<string> => (await keyturn('plan', secret)).said
      expect(await planned('database')).toMatch(/alternate/)
      expect(await planned('session-secret')).toMatch(/Everybody is signed out/)
      expect(await planned('web-client')).toMatch(/in-place[^]*New logins fail/)
    }, LONG)

    it('is not begun while `make doctor` is red (S0-06)', async () => {
      writeFileSync(join(here().folder, 'run', 'red'), '')
      const before = readFileSync(join(here().folder, '.env'), 'utf8')
      expect(await keyturn('rotate', 'ai-key', '--wait')).toMatchObject({ code: 3 })
      rmSync(join(here().folder, 'run', 'red'))
      expect(readFileSync(join(here().folder, '.env'), 'utf8')).toBe(before)
      expect(here().litellm.keys.size).toBe(1)
    }, LONG)

    it('database: no request fails, the old role is dead at every endpoint (S0-07..S0-13)', async () => {
      const old = here().env()['ATLAS_DB_DSN'] ?? ''
      const made = await rotate('database', ['ATLAS_DB_DSN'], work())
      expectUnfelt(made)
      const [was, is] = [new URL(old), new URL(here().env()['ATLAS_DB_DSN'] ?? '')]
      expect([is.host, is.pathname, is.username]).toEqual([was.host, was.pathname, `${was.username}_alt`])
      expect(made.receipt.proof).toMatchObject({ 'old at primary': 'rejected 28P01', ...(all.includes('redis') ? { 'old at pooler': 'rejected 08P01' } : {}) })
    }, LONG)

    it('ai-key: planner, then gateway, and a real answer; the old key is refused (S0-14, S0-17..S0-22, S0-24)', async () => {
      const old = here().env()['DJED_AI_API_KEY']
      const sibling = here().litellm.make('cell-nova')
      const made = await rotate('ai-key', ['DJED_AI_API_KEY'], work())
      expectUnfelt(made)
      expect(Object.values(made.receipt.proof)).toContain('rejected 401 no such key')
      const ask = (key: string): Promise<number> => fetch(`${here().litellm.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).then(({ status }) => status)
      expect([await ask(old ?? ''), await ask(here().env()['DJED_AI_API_KEY'] ?? ''), await ask(sibling)]).toEqual([401, 200, 200])
    }, LONG)

    it('openrouter-key: refused while the gateway mode is on and nobody uses it, rotated in the other (S0-23, S0-25..S0-30)', async () => {
      const before = here().openrouter.keys.size
      expect(await keyturn('rotate', 'openrouter-key', '--wait')).toMatchObject({ code: 3, said: expect.stringMatching(/llm-status/) })
      expect(here().openrouter.keys.size).toBe(before)
      await setMode('legacy')
      const made = await rotate('openrouter-key', ['OPENROUTER_API_KEY'], work())
      expectUnfelt(made)
      expect(Object.values(made.receipt.proof)).toContain('rejected 401')
      await setMode('gateway')
    }, LONG)

    it('web-client: the gap is measured; browsers stay signed in, and the old secret is invalid_client (S0-37..S0-41)', async () => {
      const made = await rotate('web-client', ['ATLAS_BFF_CLIENT_SECRET'], [`${here().url('gateway')}/work/login`])
      expect(made.receipt).toMatchObject({ result: 'done', proof: { new: 'accepted', old: 'rejected' } })
      expect(Object.values(made.receipt.proof)).toContain('rejected 400 invalid_client')
      expect(made.receipt.gapMs).toBeGreaterThan(0)
      expect(Object.keys(made.report.reasons)).toEqual(['500 invalid_client'])
      const felt = (made.report.failedUntil ?? 0) - (made.report.failedFrom ?? 0)
      // What the receipt says is no less than what was felt, but for what was under way.
      expect(felt).toBeLessThan((made.receipt.gapMs) + 1_000)
      expect((await fetch(`${here().url('gateway')}/api/auth/session`, { headers: { cookie: here().cookie() } })).status).toBe(200)
    }, LONG)

    it('graphsync-key: the file is replaced whole and stays private; the old key gets no token (S0-42..S0-49)', async () => {
      const { ino } = statSync(here().keyFile)
      const made = await rotate('graphsync-key', [], work())
      expectUnfelt(made)
      expect(Object.values(made.receipt.proof)).toContain('rejected 400 invalid_grant')
      const after = statSync(here().keyFile)
      expect([after.mode & 0o777, after.ino === ino]).toEqual([0o600, false])
      expect(here().env()['KEYSTONE_MACHINE_KEY_FILE']).toBe(here().keyFile)
      expect(made.receipt.attested).toEqual({ 'command gateway, graphsync, resolver': { gateway: 'challenge', graphsync: 'challenge', resolver: 'challenge' } })
    }, LONG)

    it.each(all.filter((secret) => secret === 'redis'))('%s: no request fails, sessions in database 6 are there as before (S0-51..S0-57)', async (secret) => {
      const made = await rotate(secret, ['ATLAS_REDIS_URL'], work())
      expectUnfelt(made)
      expect(await (await fetch(`${here().url('gateway')}/work/sessions`)).json()).toEqual({ session: 'kept' })
      expect(new URL(here().env()['ATLAS_REDIS_URL'] ?? '').pathname).toBe('/6')
      expect(made.receipt.proof).toMatchObject({ 'old at primary': expect.stringMatching(/^rejected WRONGPASS/) })
    }, LONG)

    it('session-secret: only with the impact accepted; old cookies are sent to sign in (S0-31..S0-36)', async () => {
      const session = (cookie: string) => fetch(`${here().url('gateway')}/api/auth/session`, { headers: { cookie }, redirect: 'manual' })
      const cookie = here().cookie()
      expect((await session(cookie)).status).toBe(200)
      expect(await keyturn('rotate', 'session-secret', '--wait')).toMatchObject({ code: 3, said: expect.stringContaining('--accept-impact') })
      const made = await rotate('session-secret', ['ATLAS_BFF_SESSION_SECRET'], work(), '--accept-impact')
      expect(made.report).toMatchObject({ failed: 0 })
      expect(here().env()['ATLAS_BFF_SESSION_SECRET']).toMatch(/^[0-9a-f]{64}$/)
      const refused = await session(cookie)
      expect([refused.status, refused.headers.get('location')?.includes('/oauth/v2/authorize')]).toEqual([302, true])
      expect((await session(here().cookie())).status).toBe(200)
    }, LONG)

    it.each(byHand)('%s by hand: the text of `keyturn runbook` is enough, and holds no value', async (secret) => {
      const { postgresUrl, bin, litellm, openrouter, zitadel } = here()
      await setMode(secret === 'openrouter-key' ? 'legacy' : 'gateway')
      const made = await keyturn('runbook', secret)
      expect(made).toMatchObject({ code: 0 })
      const [before, file] = [here().env(), readFileSync(here().keyFile, 'utf8')]
      const given = { ATLAS_PG_ADMIN_URL: postgresUrl, DJED_AI_MASTER_KEY: litellm.master, OPENROUTER_MANAGEMENT_KEY: openrouter.management, ZITADEL_TOKEN: zitadel.token, ATLAS_BROWSER_COOKIE: here().cookie() }
      const typed = await rotateByHand({ text: made.out, bin, given })
      const changed = Object.entries(here().env()).filter(([key, value]) => before[key] !== value).map(([key]) => key)
      expect([...changed, ...(readFileSync(here().keyFile, 'utf8') === file ? [] : ['the key file'])]).toEqual([BY_HAND[secret]])
      expect(await here().make('doctor')).toBe(0)
      remember(here())
      expect(leaksIn([{ place: 'the text', text: made.out }, { place: 'command lines', text: typed }], [...values, ...Object.values(given)].filter((value) => value !== ''))).toEqual([])
      await setMode('gateway')
      if (secret !== 'database') return
      expect([await login(before['ATLAS_DB_DSN'] ?? ''), await login(here().env()['ATLAS_DB_DSN'] ?? '')]).toEqual(['28P01', 'accepted'])
    }, LONG)

    it('leaves nothing behind: the audit verifies, each provider has one key, no value came out anywhere (S0-02, I11)', async () => {
      expect(await keyturn('audit', 'verify')).toMatchObject({ code: 0, said: expect.stringMatching(new RegExp(`${all.length} receipts`)) })
      expect(shown.map(({ secret }) => secret).toSorted()).toEqual([...all].toSorted())
      expect([...here().litellm.keys.values()].filter(({ key_alias: alias }) => alias?.startsWith('cell-atlas'))).toHaveLength(1)
      expect(here().openrouter.keys.size).toBe(1)
      expect(here().zitadel.keys.size).toBe(1)
      const said = ran.map(({ args, said: text }) => ({ place: args.join(' '), text }))
      const kept = filesBelow(here().folder, new Set([join(here().folder, '.env')]))
      expect(leaksIn([...said, ...kept], [...values].filter((value) => value !== ''))).toEqual([])
    }, LONG)
  })
}
