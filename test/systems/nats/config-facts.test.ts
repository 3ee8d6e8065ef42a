import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Credential } from '../../../src/kit/issuer.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { type ConfigWorld, makeConfigWorld, nodeOf, type Strategy } from '../../servers/nats-config.ts'
import { type RealConfigServer, startConfigServer } from './config-server.ts'
import { natsServers } from './system.ts'

const call = () => callWithin(15_000)

for (const part of natsServers) {
  const program = await part.bring()

  describe.each(['authorization', 'accounts'] as const)(`${part.title}, users in %s`, (around) => {
    let server: RealConfigServer
    const worlds: ConfigWorld[] = []
    beforeAll(async () => { server = await startConfigServer(program, { around }) })
    afterEach(async () => {
      server.send('SIGCONT')
      for (const world of worlds.splice(0)) await world.close()
    })
    afterAll(() => server.stop())

    async function make(strategy: Strategy = 'alternate'): Promise<ConfigWorld> {
      const world = await makeConfigWorld(server, strategy)
      worlds.push(world)
      return world
    }

    async function minted(world: ConfigWorld): Promise<Credential> {
      const credential = world.open().propose(world.current)
      expect(await world.open().mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'done' })
      return credential
    }

    it.each(['alternate', 'overlap'] as const)('%s: lets the new one in, ends the old one and nobody else, in the words of the server, and keeps all other bytes (S0-54)', async (strategy) => {
      const world = await make(strategy)
      const before = world.text()
      const issuer = world.open()
      const next = await minted(world)
      const [old, fresh, ...others] = await Promise.all([world.current, next, ...world.siblings].map((one, at) => world.login(one, `client-${at}`)))
      expect(await issuer.observe(call())).toMatchObject({
        value: { complete: true, known: expect.arrayContaining([{ id: world.current.id, state: 'on', uses: [{ by: 'client-0@127.0.0.1', count: 1 }] }, { id: next.id, state: 'on', uses: [{ by: 'client-1@127.0.0.1', count: 1 }] }]) },
      })
      expect(await issuer.set(world.current.id, 'off', call())).toMatchObject({ is: 'done', value: { evidence: { nodes: 1, written: 1 } } })
      expect(old?.isClosed()).toBe(true)
      expect(await issuer.probe(world.current, 'n1', call())).toMatchObject({ value: { verdict: 'rejected', code: 'authorization-violation' } })
      expect(await issuer.set(world.current.id, 'gone', call())).toMatchObject({ is: 'done' })
      for (const one of [fresh, ...others]) await one?.flush()
      const after = world.text()
      const lines = before.split('\n').filter((line) => !line.includes(strategy === 'overlap' ? world.current.id : '"worker"') && !line.includes('keyturn:'))
      for (const line of lines) expect(after).toContain(line)
      expect([after.includes(world.current.id === 'worker' ? '"worker"' : world.current.id), after.split('"publish":').length]).toEqual([false, 3])
    })

    // What follows is of the file and the reload, which are the same wherever it is included.
    if (around === 'accounts') return

    it('keeps no password but its hash, neither in the file nor in the log (I11)', async () => {
      const world = await make()
      const next = await minted(world)
      const value = next.fields['password']?.reveal() ?? ''
      expect(world.text()).toMatch(/"worker_alt","password":"\$2b\$04\$/)
      expect([world.text(), server.log()].filter((text) => text.includes(value))).toEqual([])
    })

    it('keeps an old user out after a restart, and lets the new one in', async () => {
      const world = await make()
      const next = await minted(world)
      await world.open().set('worker', 'gone', call())
      await server.restart()
      expect(await world.open().probe(world.current, 'n1', call())).toMatchObject({ value: { verdict: 'rejected' } })
      expect(await world.open().probe(next, 'n1', call())).toMatchObject({ value: { verdict: 'accepted' } })
    })

    it('takes up what a killed run had written and not told the server (X-05)', async () => {
      const world = await make()
      const credential = world.open().propose(world.current)
      const told = world.open()
      await world.inject?.('server-error')
      expect(await told.mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'unknown' })
      const written = world.text()
      expect(await told.probe(credential, 'n1', call())).toMatchObject({ value: { verdict: 'rejected' } })
      expect(await world.open().mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'done', value: { evidence: { written: 0 } } })
      expect(world.text()).toBe(written)
    })

    it('says that a server goes on with the configuration that it had, and goes on itself when that is mended', async () => {
      const world = await make()
      const credential = world.open().propose(world.current)
      server.extra('nonsense: {')
      try {
        expect(await world.open().mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'unknown', code: 'SERVER_ERROR', about: expect.stringContaining('goes on with the one it had') })
        expect(server.log()).toContain('Failed to reload server configuration')
        expect(await world.open().probe(world.current, 'n1', call())).toMatchObject({ value: { verdict: 'accepted' } })
        expect(await world.open().probe(credential, 'n1', call())).toMatchObject({ value: { verdict: 'rejected' } })
      } finally {
        server.extra('')
      }
      expect(await world.open().mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'done' })
    })

    it('names a file that the configuration does not include', async () => {
      const world = await make()
      const file = join(server.folder, 'other.json')
      writeFileSync(file, world.text(), { mode: 0o600 })
      const issuer = world.openWith({ nodes: [{ ...nodeOf(server), file }] })
      expect(await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-1' }, call())).toMatchObject({ is: 'unknown', code: 'CREDENTIAL_REJECTED', about: expect.stringContaining('does not include') })
    })

    it('may be out for seconds: a deadline passes without a false answer, and it goes on when it is back', async () => {
      const world = await make()
      const credential = world.open().propose(world.current)
      server.send('SIGSTOP')
      expect(await world.open().mint({ credential, tag: 'kt-1' }, callWithin(1_500))).toMatchObject({ is: 'refused', code: 'DEADLINE' })
      expect(await world.open().probe(world.current, 'n1', callWithin(500))).toMatchObject({ value: { verdict: 'inconclusive' } })
      server.send('SIGCONT')
      expect(await world.open().mint({ credential, tag: 'kt-1' }, call())).toMatchObject({ is: 'done' })
      server.send('SIGSTOP')
      expect(await world.open().set('worker', 'off', callWithin(1_500))).toMatchObject({ is: 'refused', code: 'DEADLINE' })
      server.send('SIGCONT')
      expect(await world.open().set('worker', 'off', call())).toMatchObject({ is: 'done' })
    })

    it('is told by a command as well', async () => {
      const world = await make()
      const issuer = world.openWith({ nodes: [{ ...nodeOf(server), reload: { command: [program, '--signal', `reload=${join(server.folder, 'pid')}`] } }] })
      expect(await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-1' }, call())).toMatchObject({ is: 'done' })
    })
  })
}
