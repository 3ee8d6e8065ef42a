import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { until } from '../../../demo/until.ts'
import { openIssuer } from '../../../src/connectors/nats/index.ts'
import { issuerSchema } from '../../../src/connectors/nats/manifest.ts'
import type { Issuer } from '../../../src/kit/issuer.ts'
import { callWithin } from '../../../src/testing/call.ts'
import { configOf, hostOf, loginAs, lookUp, makeNatsWorld, makeRealm, type NatsWorld } from '../../servers/nats.ts'
import { type RealNats, startNatsServer } from './server.ts'
import { natsServers } from './system.ts'

const call = () => callWithin(10_000)

for (const part of natsServers) {
  const program = await part.bring()

  describe(part.title, () => {
    let server: RealNats
    const worlds: NatsWorld[] = []
    beforeAll(async () => { server = await startNatsServer(program) })
    afterEach(async () => {
      for (const world of worlds.splice(0)) await world.close()
    })
    afterAll(() => server.stop())

    async function make(): Promise<NatsWorld> {
      const world = await makeNatsWorld(server)
      worlds.push(world)
      return world
    }

    function openWith(world: NatsWorld, env: Readonly<Record<string, string>>): Issuer {
      const { issuer, env: right } = configOf(server, world.account, world.proxy.port)
      return openIssuer(issuerSchema.parse(issuer), hostOf({ ...right, ...env }))
    }

    it('lets the new user in, and ends the old one and nobody else, in the words of the server (S1-43, S1-45)', async () => {
      const world = await make()
      const issuer = world.open()
      const minted = await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-1' }, call())
      if (minted.is !== 'done') throw new Error(minted.is)
      const [old, fresh, sibling] = await Promise.all([world.current, minted.value.credential, ...world.siblings].map((one, at) => loginAs(server, one, `client-${at}`)))
      const why = old?.closed().then((thrown) => thrown?.message.toLowerCase())
      expect(await issuer.observe(call())).toMatchObject({ value: { complete: true, known: [{ uses: [{ by: 'client-0@127.0.0.1', count: 1 }] }, { uses: [{ by: 'client-1@127.0.0.1', count: 1 }] }] } })
      expect(await issuer.set(world.current.id, 'gone', call())).toMatchObject({ is: 'done', value: { evidence: { ended: 1 } } })
      expect(await why).toContain('user authentication revoked')
      await expect(loginAs(server, world.current, 'late')).rejects.toThrow(/authorization violation/i)
      for (const one of [fresh, sibling] as NatsConnection[]) {
        await one.flush()
        await one.close()
      }
    })

    it('keeps an old user out after a restart, and a later JWT for its key too (C-04)', async () => {
      const world = await make()
      const issuer = world.open()
      const minted = await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-1' }, call())
      await issuer.set(world.current.id, 'gone', call())
      await server.restart()
      const [endpoint = ''] = issuer.endpoints()
      expect(await issuer.probe(world.current, endpoint, call())).toMatchObject({ value: { verdict: 'rejected', code: 'authorization-violation' } })
      expect(await issuer.probe(await world.account.again(world.current), endpoint, call())).toMatchObject({ value: { verdict: 'rejected' } })
      if (minted.is === 'done') expect(await issuer.probe(minted.value.credential, endpoint, call())).toMatchObject({ value: { verdict: 'accepted' } })
    })

    it('is given no JWT of an operator that it does not trust, which it would keep and say 200 to (C-22)', async () => {
      const [world, other] = [await make(), await makeRealm()]
      const before = await lookUp(server, world.account)
      const issuer = openWith(world, { NATS_OPERATOR: other.operator })
      expect(await issuer.preflight(world.current, issuer.propose(world.current).id, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
      expect(await issuer.set(world.current.id, 'gone', call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING' })
      expect(await lookUp(server, world.account)).toEqual(before)
    })

    it('says which subject a system user may not publish to', async () => {
      const world = await make()
      const bound = await server.realm.systemUser({ pub: { deny: ['$SYS.REQ.CLAIMS.>'] } })
      const issuer = openWith(world, { NATS_SYSTEM: bound })
      expect(await issuer.preflight(world.current, issuer.propose(world.current).id, call())).toMatchObject({ is: 'refused', code: 'RIGHTS_MISSING', about: expect.stringContaining('$SYS.REQ.CLAIMS.LIST') })
    })

    it('may be out for seconds: a deadline passes without a false answer, and it goes on when it is back', async () => {
      const world = await make()
      const issuer = world.open()
      server.send('SIGSTOP')
      const answer = await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-1' }, callWithin(1_500))
      expect(answer).toMatchObject({ is: 'refused', code: 'DEADLINE' })
      server.send('SIGCONT')
      expect(await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-2' }, call())).toMatchObject({ is: 'done' })
      server.send('SIGSTOP')
      expect(await issuer.set(world.current.id, 'gone', callWithin(1_500))).toMatchObject({ code: 'DEADLINE' })
      expect(await issuer.probe(world.current, issuer.endpoints()[0] ?? '', callWithin(500))).toMatchObject({ value: { verdict: 'inconclusive' } })
      server.send('SIGCONT')
      expect(await issuer.set(world.current.id, 'gone', call())).toMatchObject({ is: 'done' })
    })

    it('brings consumers back by themselves with the file that they read: they reconnect with the new user (S1-46)', async () => {
      const world = await make()
      const issuer = world.open()
      let held = world.current
      const text = (): Uint8Array => Buffer.from(`-----BEGIN NATS USER JWT-----\n${held.fields['jwt']?.reveal()}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${held.fields['seed']?.reveal()}\n------END USER NKEY SEED------\n`)
      const consumer = await connect({ servers: `127.0.0.1:${server.port}`, name: 'worker-1', authenticator: credsAuthenticator(text), reconnectTimeWait: 50, ignoreAuthErrorAbort: true })
      const minted = await issuer.mint({ credential: issuer.propose(world.current), tag: 'kt-1' }, call())
      if (minted.is !== 'done') throw new Error(minted.is)
      held = minted.value.credential
      await issuer.set(world.current.id, 'gone', call())
      await until('it is back as the new user', 10_000, async () => {
        const seen = await issuer.observe(call())
        return seen.is === 'done' && seen.value.known.some(({ id, uses }) => id === held.id && uses.length > 0) ? true : undefined
      })
      await consumer.close()
    })
  })
}
