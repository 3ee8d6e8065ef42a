import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { registry } from '../../src/connectors.gen.ts'
import { answerChallenge } from '../../src/kit/challenge.ts'
import { KeyturnError, Secret } from '../../src/kit/index.ts'
import { referenceConfig, type ReferenceTraits } from '../../src/testing/index.ts'
import { parseManifest } from '../../src/yaml/load.ts'
import { startConsumer } from '../matrix/service.ts'
import { type Desk, setDesk } from './desk.ts'
import { proveEnd } from './proof.ts'
import { tokenIn } from './service.ts'
import { setStage } from './stage.ts'

const CHOSEN: ReferenceTraits = { value: 'chosen', mint: 'replaces', locate: 'value', slots: 1, ends: [] }
const MADE: ReferenceTraits = { ...CHOSEN, value: 'made', locate: 'none' }

describe('a hard cut is accepted by somebody, or refused (S0-31, S0-36, IMPACT)', () => {
  it('is refused with exit code 3 when nobody accepts it: no rotation is opened, nothing is touched', async () => {
    const desk = await setDesk(CHOSEN, { strategy: 'hard-cut' })
    const before = desk.stored()
    expect(await desk.keyturn('rotate', 'mail', '--wait')).toMatchObject({ exit: 3, err: expect.stringMatching(/IMPACT_UNACCEPTED.*everybody is logged out/) as string })
    expect(desk.stored()).toBe(before)
    expect(await desk.rotation()).toBe('')
    expect(desk.server.received.filter(({ operation }) => operation === 'mint')).toEqual([])
  })

  it('is carried out when somebody does, and the journal says so', async () => {
    const desk = await setDesk(CHOSEN, { strategy: 'hard-cut' })
    expect(await desk.keyturn('rotate', 'mail', '--wait', '--accept-impact')).toMatchObject({ exit: 0 })
    expect((await desk.events())[0]).toMatchObject({ type: 'rotation-opened', impactAccepted: true, by: expect.stringContaining('@') as string })
  })

  it('of no impact there is none: the manifest has to say what users feel', async () => {
    const issuer = referenceConfig({ url: 'http://127.0.0.1:1', principal: 'x' }, CHOSEN, { strategy: 'hard-cut' })
    const problemsOf = async (impact: object): Promise<readonly string[]> => {
      const secret = { issuer, stores: [{ use: 'dotenv', file: '.env', bind: { TOKEN: '{token}' } }], ...impact }
      try {
        await parseManifest(stringify({ version: 1, system: 'a', secrets: { mail: secret } }), 'keyturn.yaml', { registry })
        return []
      } catch (thrown) {
        return thrown instanceof KeyturnError ? (thrown.problems ?? []).map(({ what }) => what) : [String(thrown)]
      }
    }
    for (const impact of [{}, { impact: 'none' }]) expect(await problemsOf(impact)).toEqual(['a hard cut is felt'])
    expect(await problemsOf({ impact: 'everybody is logged out' })).toEqual([])
  })
})

describe('a hard cut tells everybody at once', () => {
  it.for([['chosen', CHOSEN], ['made', MADE]] as const)('of every consumer, before the first is asked what it holds: %s', async ([, traits]) => {
    const stage = await setStage(traits, { strategy: 'hard-cut', consumers: ['web', 'jobs'] })
    const old = stage.stored()
    await stage.open({ acceptImpact: true })
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'done' })
    await proveEnd(stage, { result: 'done', old })
    for (const service of Object.values(stage.services)) expect(service.reloads).toEqual(['at-once'])
    const done = (await stage.events()).flatMap((event) => (event.type === 'step-done' && /^(reload|attest)/.test(event.step) ? [event.step.split(':')[0]] : []))
    expect(done).toEqual(['reload', 'reload', 'attest', 'attest'])
  })

  it('on the way back too', async () => {
    const stage = await setStage(CHOSEN, { strategy: 'hard-cut' })
    const old = stage.stored()
    await stage.open({ acceptImpact: true })
    await stage.dieAt('attest:0.0', 'before-intent')
    await stage.turn('abort')
    expect(await stage.on()).toMatchObject({ result: 'rolled-back' })
    await proveEnd(stage, { result: 'rolled-back', old })
    expect(stage.services['app']?.reloads).toEqual(['at-once', 'at-once'])
  })

  it('goes back by itself when a consumer does not take the new value: users wait (C-08)', async () => {
    const stage = await setStage(CHOSEN, { strategy: 'hard-cut' })
    const old = stage.stored()
    await stage.open({ acceptImpact: true })
    await stage.dieAt('reload:0.0', 'after-outcome')
    for (const one of stage.services['app']?.instances ?? []) one.holds = old
    expect(await stage.on()).toMatchObject({ is: 'closed', result: 'rolled-back', code: 'CONSUMER_STALE' })
    await proveEnd(stage, { result: 'rolled-back', old })
  })

  it('real processes: the second is signalled before the first is waited for', async () => {
    const { desk, close } = await inCouple('hard-cut')
    const did = await desk.keyturn('rotate', 'mail', '--wait', '--accept-impact')
    expect(did, `${did.out}${did.err}`).toMatchObject({ exit: 0 })
    await close()
  })

  it('and one after the other where old and new do not throw each other out: there the same two never become ready', async () => {
    const { desk, close } = await inCouple('in-place')
    expect(await desk.keyturn('rotate', 'mail', '--wait')).toMatchObject({ exit: 5, out: expect.stringContaining('reload:0.0') as string })
    await close()
  })
})

/** Two real processes of which neither is ready while one of them holds the old value and the other one the new. */
async function inCouple(strategy: 'in-place' | 'hard-cut'): Promise<{ readonly desk: Desk; close(): Promise<void> }> {
  const held = (name: string): string => tokenIn(join(desk.folder, name, 'held'))
  const server = createServer((request, response) => {
    const [, name = '', what = ''] = (request.url ?? '').split('/')
    if (what === 'ready') return response.writeHead(held('app-1') === held('app-2') ? 200 : 503).end()
    json(request).then(
      (asked) => response.end(JSON.stringify({ answer: answerChallenge(new Secret(held(name)), (asked as { nonce: string }).nonce) })),
      () => response.writeHead(500).end(),
    )
    return undefined
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const names = ['app-1', 'app-2']
  const desk = await setDesk(CHOSEN, { strategy, secret: { consumers: [{
    use: 'process', name: 'app', readyWithin: '1s', reload: { signal: 'SIGHUP' },
    instances: names.map((name) => ({ name, pidFile: `${name}/pid`, ready: `${url}/${name}/ready` })),
    attest: { use: 'http', challenge: `${url}/{name}/attest` },
  }] } })
  const running = await Promise.all(names.map((name) => {
    mkdirSync(join(desk.folder, name))
    return startConsumer(join(desk.folder, '.env'), join(desk.folder, name))
  }))
  const close = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.stop()))
    server.closeAllConnections()
    await new Promise<void>((resolve) => { server.close(() => resolve()) })
  }
  onTestFinished(async () => { if (server.listening) await close() })
  return { desk, close }
}
