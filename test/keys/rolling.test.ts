import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { until } from '../../demo/until.ts'
import { SELDOM_MS } from './clients.ts'
import { LIFE_S, type Rig, setRig } from './rig.ts'

const value = (): string => randomBytes(48).toString('base64')
const envFile = (secret: string): Readonly<Record<string, string>> => ({ '.env': `# of the API\nPORT=80\nJWT_SECRET=${secret}\n` })

const SHARED = {
  issuer: { use: 'random', name: 'jwt', format: 'base64', bytes: 64, strategy: 'dual-key' },
  tokens: { life: `${LIFE_S}s`, cache: '0s' }, grace: `${LIFE_S}s`,
  stores: [{ use: 'dotenv', file: '.env', bind: { JWT_SECRET: '{value}', JWT_SECRET_PREVIOUS: { previous: '{value}' } } }],
}

const PAIR = {
  issuer: { use: 'keypair', name: 'jwt', alg: 'EdDSA' },
  tokens: { life: `${LIFE_S}s`, cache: '2s' }, grace: `${LIFE_S}s`,
  stores: [
    { use: 'file', file: 'private.pem', format: 'whole', bind: { content: '{private}' } },
    { use: 'file', file: 'jwks.json', format: 'whole', bind: { content: { jwks: '{jwk}' } } },
  ],
}

/** So many tokens are handed out in each of the two that are compared. */
const TOKENS = 10_000

/** A token that one key signed, which lives for an hour: it says for how long that key is accepted. */
function tokenBy(secret: string): Promise<string> {
  return new SignJWT({ from: 'the test' }).setProtectedHeader({ alg: 'HS256' }).setIssuedAt().setExpirationTime('1h').sign(new TextEncoder().encode(secret))
}

async function enough(rig: Rig, tokens: number): Promise<void> {
  await until(`${tokens} tokens`, 60_000, () => (rig.clients.now().tokens >= tokens ? true : undefined))
}

function say(title: string, { clients, front }: Rig): void {
  const { tokens, shown, refused } = clients.now()
  console.log(`${title}: ${tokens} tokens, shown ${shown} times to three instances, ${[...refused.values()].reduce((sum, each) => sum + each, 0)} refused; ${front.retried()} requests went round an instance that restarted`)
}

describe.runIf(process.platform === 'linux').concurrent('keys that three real processes sign and check with, restarted one after the other under clients', { timeout: 120_000 }, () => {
  it('by three publishes: no token is refused; the old key is accepted through the grace and refused after it (G-05, C-09, C-32, S3-20, S3-26)', async () => {
    const old = value()
    const rig = await setRig(envFile(old), SHARED, { jwt: { alg: 'HS256', field: 'value' } })
    try {
      await enough(rig, 500)
      const oldToken = await tokenBy(old)
      const verdicts: string[] = []
      const held = await rig.keyturn(['rotate', 'jwt', '--wait'], { KEYTURN_REHEARSE: 'kill:gate:forget/before-intent' })
      expect(held.signal, held.said).toBe('SIGKILL')
      verdicts.push(...(await rig.verdicts(oldToken)))
      const between = rig.env()
      expect(between['JWT_SECRET_PREVIOUS']).toBe(old)
      verdicts.push(...(await rig.verdicts(await tokenBy(between['JWT_SECRET'] ?? ''))))
      expect(verdicts).toEqual(Array(6).fill('ok'))
      const ended = await rig.keyturn(['resume', 'jwt', '--wait'])
      expect(ended.code, ended.said).toBe(0)
      expect(ended.said).toMatch(/✔ prove in pairs: what the new key signs is accepted, what the old one signs is rejected/)
      expect(await rig.verdicts(oldToken)).toEqual(Array(3).fill('ERR_JWS_SIGNATURE_VERIFICATION_FAILED HS256'))
      expect(readFileSync(join(rig.folder, '.env'), 'utf8')).toBe(`# of the API\nPORT=80\nJWT_SECRET=${between['JWT_SECRET'] ?? ''}\n`)
      await enough(rig, TOKENS)
      const { refused } = await rig.clients.stop()
      say('three publishes', rig)
      expect([...refused]).toEqual([])
    } finally {
      await rig.close()
    }
  })

  it('in the order of the runbook, the new one first and the previous one afterwards, tokens are refused (C-09)', async () => {
    const old = value()
    const rig = await setRig(envFile(old), SHARED, { jwt: { alg: 'HS256', field: 'value' } })
    try {
      await enough(rig, 500)
      const next = value()
      writeFileSync(join(rig.folder, '.env'), `# of the API\nPORT=80\nJWT_SECRET=${next}\n`)
      await rig.restartAll()
      writeFileSync(join(rig.folder, '.env'), `# of the API\nPORT=80\nJWT_SECRET=${next}\nJWT_SECRET_PREVIOUS=${old}\n`)
      await rig.restartAll()
      await enough(rig, TOKENS)
      const { refused } = await rig.clients.stop()
      say('the order of the runbook', rig)
      expect([...refused.values()].reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0)
    } finally {
      await rig.close()
    }
  })

  it('a key set with the next key published ahead: no token is refused, and none when it goes back in the grace (G-10, S3-27)', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'first', alg: 'EdDSA', use: 'sig' }
    const { d: _, ...open } = jwk
    const rig = await setRig({ 'private.pem': String(privateKey.export({ type: 'pkcs8', format: 'pem' })), 'jwks.json': `${JSON.stringify({ keys: [open] }, null, 2)}\n` }, PAIR, { field: 'kid', jwt: { alg: 'EdDSA', field: 'private', kid: 'kid' }, everyMs: SELDOM_MS })
    try {
      const kids = (): readonly string[] => (JSON.parse(readFileSync(join(rig.folder, 'jwks.json'), 'utf8')) as { readonly keys: readonly { readonly kid: string }[] }).keys.map(({ kid }) => kid)
      await enough(rig, 500)
      const killed = await rig.keyturn(['rotate', 'jwt', '--wait'], { KEYTURN_REHEARSE: 'kill:grace/before-intent' })
      expect(killed.signal, killed.said).toBe('SIGKILL')
      const [next, ...rest] = kids()
      expect(rest).toEqual(['first'])
      const back = await rig.keyturn(['abort', 'jwt', '--wait'])
      expect([back.code, back.out.includes('Rolled back')], back.said).toEqual([0, true])
      expect(back.said).toMatch(/✔ prove in pairs: what the old key signs is accepted, what the new one signs is rejected/)
      expect(kids()).toEqual(['first'])
      const ended = await rig.keyturn(['rotate', 'jwt', '--wait'])
      expect(ended.code, ended.said).toBe(0)
      expect(kids()).toHaveLength(1)
      expect(['first', next]).not.toContain(kids()[0])
      const { refused } = await rig.clients.stop()
      say('a key set, back and then forward', rig)
      expect([...refused]).toEqual([])
    } finally {
      await rig.close()
    }
  })
})
