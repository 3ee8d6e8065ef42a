import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../../demo/load.ts'
import { until } from '../../../demo/until.ts'
import { filesBelow, leaksIn } from '../../worlds/leaks.ts'
import type { Ran } from '../../worlds/keyturn.ts'
import { rotateByHand } from '../by-hand.ts'
import { expectUnfelt, receiptOf, type Shown, tableOf } from '../shown.ts'
import { openPlatform, type Platform, type Surroundings } from './platform.ts'

/** A rotation starts several processes, and other files of a run take the processor meanwhile. */
const LONG = 180_000

/** The secrets of services around the platform: their keys in the env file, and what the load asks for. */
const AROUND = {
  'object-storage': [['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'], 'objects', /^rejected .*InvalidAccessKeyId/],
  nats: [['NATS_USER', 'NATS_PASSWORD'], 'messages', /^rejected /],
  redis: [['REDIS_URL'], 'cache', /^rejected WRONGPASS/],
} as const

/**
 * Every secret of the example rotated once on real processes, under load; `byHand`: those that a person rotates once more, who has the text
 * of `keyturn runbook` and nothing else.
 */
export function the0Suite(title: string, surround: () => Promise<Surroundings & { readonly end?: () => Promise<unknown> }>, around: readonly (keyof typeof AROUND)[], byHand: readonly string[] = []): void {
  describe(title, () => {
    let [platform, load]: [Platform | undefined, Load | undefined] = [undefined, undefined]
    let end: () => Promise<unknown> = async () => undefined
    const shown: Shown[] = []
    const ran: Ran[] = []
    const values = new Set<string>()
    beforeAll(async () => {
      const { end: over, ...surroundings } = await surround()
      if (over !== undefined) end = over
      platform = await openPlatform(surroundings)
      remember()
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
    function remember(): void {
      const held = here().env()
      for (const key of ['THE0_ADMIN_PASSWORD', 'JWT_SECRET', 'S3_SECRET_ACCESS_KEY', 'NATS_PASSWORD']) values.add(held[key] ?? '')
      for (const key of ['DATABASE_URL', 'REDIS_URL']) if (held[key] !== undefined) values.add(new URL(held[key]).password)
    }
    const logIn = async (): Promise<string> => {
      const { THE0_ADMIN_EMAIL: email, THE0_ADMIN_PASSWORD: password } = here().env()
      const said = await fetch(`${here().url('the0-api')}/auth/login`, { method: 'POST', body: JSON.stringify({ email, password }) })
      return ((await said.json()) as { readonly token: string }).token
    }
    const statusOf = async (token: string): Promise<number> => (await fetch(`${here().url('the0-api')}/me`, { headers: { authorization: `Bearer ${token}` } })).status
    const tryLogin = async (password: string | undefined): Promise<number> => (await fetch(`${here().url('the0-api')}/auth/login`, { method: 'POST', body: JSON.stringify({ email: here().env()['THE0_ADMIN_EMAIL'], password }) })).status

    /** Rotates it to the end while the services work; what is not its own in the env file stays byte for byte. */
    async function rotate(secret: string, keys: readonly string[], ...args: readonly string[]): Promise<Shown> {
      const others = (): readonly string[] => readFileSync(join(here().folder, '.env'), 'utf8').split('\n').filter((line) => !keys.some((key) => line.startsWith(`${key}=`)))
      const before = others()
      const kinds = ['database', ...around.map((one) => AROUND[one][1])]
      const started = startLoad([...kinds.map((kind) => `${here().url('the0-api')}/work/${kind}`), `${here().url('the0-scheduler')}/work/database`], 30, 5_000)
      load = started
      await until('the load works', 10_000, () => (started.now().requests > 15 ? true : undefined))
      const one = await keyturn('rotate', secret, '--wait', '--reason', 'runbook', ...args)
      const asked = started.now().requests
      await until('the load goes on', 10_000, () => (started.now().requests > asked + 15 ? true : undefined))
      const report = await started.stop()
      load = undefined
      expect(one, one.said).toMatchObject({ code: 0 })
      expect(others()).toEqual(before)
      remember()
      const made = { secret, receipt: receiptOf(here().folder, secret), report }
      shown.push(made)
      return made
    }

    it('is counted (S4-22)', async () => {
      const inventory = (await keyturn('inventory', '--json')).json() as { readonly secrets: readonly { readonly name: string }[] }
      expect(inventory.secrets.map(({ name }) => name)).toEqual(['root-admin', 'database', ...around, 'jwt-secret'])
    }, LONG)

    it('root-admin: typed into the command that asks; the old password and old sessions are refused (S4-03..S4-08, S4-26)', async () => {
      const [old, session] = [here().env()['THE0_ADMIN_PASSWORD'], await logIn()]
      expect(await statusOf(session)).toBe(200)
      const made = await rotate('root-admin', ['THE0_ADMIN_EMAIL', 'THE0_ADMIN_PASSWORD'])
      expect(made.report).toMatchObject({ failed: 0 })
      expect(made.receipt).toMatchObject({ result: 'done', proof: { new: 'accepted', old: 'rejected' } })
      expect([await tryLogin(old), await tryLogin(here().env()['THE0_ADMIN_PASSWORD']), await statusOf(session)]).toEqual([401, 200, 401])
    }, LONG)

    it('is refused when somebody changed the root admin elsewhere: what is stored does not log in (S4-02)', async () => {
      const file = join(here().folder, '.env')
      const before = readFileSync(file, 'utf8')
      writeFileSync(file, before.replace(/^THE0_ADMIN_PASSWORD=.*$/m, 'THE0_ADMIN_PASSWORD=changedInTheUserInterface00000000'))
      expect(await keyturn('rotate', 'database', '--wait')).toMatchObject({ code: 3 })
      writeFileSync(file, before)
    }, LONG)

    it('database: no request fails, the old role is dead (S4-22..S4-27)', async () => {
      const made = await rotate('database', ['DATABASE_URL'])
      expectUnfelt(made)
      expect(Object.values(made.receipt.proof)).toContain('rejected 28P01')
    }, LONG)

    it.each(around)('%s: no request fails, the old one is dead (S4-22..S4-27)', async (secret) => {
      const [keys, , words] = AROUND[secret]
      const made = await rotate(secret, keys)
      expectUnfelt(made)
      expect(Object.entries(made.receipt.proof).filter(([what]) => what.startsWith('old at')).map(([, said]) => String(said))).toEqual([expect.stringMatching(words)])
    }, LONG)

    it('jwt-secret: only with the impact accepted; every old token is refused, and a new login works (S4-28, S4-29)', async () => {
      const session = await logIn()
      expect(await keyturn('rotate', 'jwt-secret', '--wait')).toMatchObject({ code: 3, said: expect.stringContaining('--accept-impact') })
      const made = await rotate('jwt-secret', ['JWT_SECRET'], '--accept-impact')
      expect(made.report).toMatchObject({ failed: 0 })
      expect([await statusOf(session), await statusOf(await logIn())]).toEqual([401, 200])
    }, LONG)

    it('one at a time: a second one is refused while the first is open (S4-21)', async () => {
      // Killed in the middle, it is open until somebody goes on with it.
      expect(await here().killed('publish:0/after-effect', 'rotate', 'database', '--wait')).toMatchObject({ signal: 'SIGKILL' })
      expect(await keyturn('rotate', 'jwt-secret', '--accept-impact')).toMatchObject({ code: 3, said: expect.stringContaining('ROTATION_OPEN') })
      expect(await keyturn('resume', '--wait')).toMatchObject({ code: 0 })
      remember()
    }, LONG)

    it.each(byHand)('%s by hand: the text of `keyturn runbook` is enough, and holds no value', async (secret) => {
      const { postgresUrl, bin } = here()
      const made = await keyturn('runbook', secret)
      expect(made).toMatchObject({ code: 0 })
      const [before, session] = [here().env(), await logIn()]
      const typed = await rotateByHand({ text: made.out, bin, given: { THE0_PG_ADMIN_URL: postgresUrl } })
      const changed = Object.entries(here().env()).filter(([key, value]) => before[key] !== value).map(([key]) => key)
      expect(changed).toEqual([secret === 'database' ? 'DATABASE_URL' : 'JWT_SECRET'])
      remember()
      expect(leaksIn([{ place: 'command lines', text: typed }], [...values].filter((value) => value !== ''))).toEqual([])
      expect([await statusOf(session), await statusOf(await logIn())]).toEqual([secret === 'database' ? 200 : 401, 200])
    }, LONG)

    it('leaves nothing behind: the audit verifies, no value came out anywhere (I11)', async () => {
      expect(await keyturn('audit', 'verify')).toMatchObject({ code: 0, said: expect.stringMatching(new RegExp(`${around.length + 4} receipts`)) })
      const said = ran.map(({ args, said: text }) => ({ place: args.join(' '), text }))
      const kept = filesBelow(here().folder, new Set([join(here().folder, '.env')]))
      expect(leaksIn([...said, ...kept], [...values].filter((value) => value !== ''))).toEqual([])
    }, LONG)
  })
}
