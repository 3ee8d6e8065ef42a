import { describe, expect, it } from 'vitest'
import { pretend, type Login, pretendManifest, pretendRegistry, pretendSecret, pretendStore } from '../../test/fixture/pretend.ts'
import { freshState, openOne } from '../../test/fixture/state.ts'
import { done, refused } from '../kit/index.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import { Redactor } from '../redact/redact.ts'
import type { SecretSpec } from '../manifest/model.ts'
import { readLedger, secretKey } from '../state/ledger.ts'
import { readNotes } from '../state/note.ts'
import type { State } from '../state/open.ts'
import { adoptSecret, type Adopted } from './adopt.ts'
import { exportCheckpoint, verifyState } from '../proof/audit.ts'
import type { Engine } from '../engine/engine.ts'
import { NO_REHEARSAL } from '../engine/rehearsal.ts'

const password = generate(ALNUM, 24)

async function adopt(state: State, secret: SecretSpec, redactor = new Redactor()): Promise<Adopted> {
  const engine: Engine = {
    state, registry: pretendRegistry, host: (base) => ({ base, now: Date.now, resolve: () => Promise.reject(new Error('no reference')), conceal: (value) => redactor.conceal(value) }),
    now: Date.now, sleep: async () => undefined, rehearsal: NO_REHEARSAL, owner: 'one', isDead: () => false, by: 'somebody@here', version: '0.0.0', interrupt: new AbortController().signal, onEvent: () => undefined,
  }
  return adoptSecret(engine, pretendManifest(state.folder, { database: secret }), 'database', 'changed by hand')
}

const ledgerOf = (state: State) => readLedger(state.db, secretKey('atlas', 'staging', 'database'))

describe('adopting a value', () => {
  it('takes its fingerprint into the ledger and into the notes, once; no value is kept (S0-03, X-07)', async () => {
    const state = await freshState()
    const logins: Login[] = []
    const first = await adopt(state, pretendSecret(password, {}, {}, logins))
    expect(first).toEqual({
      secret: 'database', credential: 'app', fingerprint: expect.stringMatching(/^kf:[0-9a-f]{32}$/), adopted: true, note: 1,
      evidence: { 'wrong at primary': 'rejected:28P01', primary: 'accepted:00000' },
    })
    expect(logins.map((login) => login.password === password)).toEqual([false, true])
    expect(await ledgerOf(state)).toMatchObject([{ provider_id: 'app', fingerprint: first.fingerprint, state: 'presented', rotation: 'note:1' }])
    const { entries } = await readNotes(state.db)
    expect(entries).toMatchObject([{ type: 'secret-adopted', body: { system: 'atlas', environment: 'staging', secret: 'database', credential: 'app', fingerprint: first.fingerprint, by: 'somebody@here', reason: 'changed by hand' } }])
    expect(JSON.stringify([entries, first])).not.toContain(password)

    expect(await adopt(state, pretendSecret(password))).toMatchObject({ adopted: false, fingerprint: first.fingerprint })
    expect((await readNotes(state.db)).entries).toHaveLength(1)
    const other = generate(ALNUM, 24)
    expect(await adopt(state, pretendSecret(other))).toMatchObject({ adopted: true, note: 2 })
    expect(await ledgerOf(state)).toHaveLength(2)
  })

  it('is part of the audit: the notes verify, and against a checkpoint', async () => {
    const state = await freshState()
    await adopt(state, pretendSecret(password))
    const checkpoint = await exportCheckpoint(state, Date.now())
    expect(checkpoint.checkpoint.notes).toMatchObject({ seq: 1 })
    expect(await verifyState(state, { checkpoint })).toMatchObject({ notes: 1, anchored: 1, problems: [] })
    await state.db.updateTable('note').set({ type: 'something-else' }).execute()
    expect(await verifyState(state)).toMatchObject({ problems: ['notes: entry 1 differs from its columns'] })
    await state.db.deleteFrom('note').execute()
    await state.db.deleteFrom('meta').where('key', '=', 'notes').execute()
    // By themselves they are whole again; the checkpoint knows better.
    expect(await verifyState(state)).toMatchObject({ notes: 0, problems: [] })
    expect(await verifyState(state, { checkpoint })).toMatchObject({ problems: ['notes: ends at entry 0, a checkpoint knows 1'] })
  })

  it.each([
    ['the issuer rejects it', pretendSecret(password, {}, { accepts: generate(ALNUM, 24) }), 'CREDENTIAL_REJECTED'],
    ['the issuer lets everybody in (C-05)', pretendSecret(password, {}, { probe: async () => done({ verdict: 'accepted', code: '00000' }) }), 'PROBE_MEANINGLESS'],
    ['the issuer gives no verdict', pretendSecret(password, {}, { probe: async () => done({ verdict: 'inconclusive', code: 'ECONNREFUSED' }) }), 'UNREACHABLE'],
    ['one endpoint of two rejects it', pretendSecret(password, {}, { endpoints: () => ['primary', 'replica'], probe: async ({ fields }, endpoint) => done(endpoint === 'primary' && fields['password']?.reveal() === password ? { verdict: 'accepted', code: '00000' } : { verdict: 'rejected', code: '28P01' }) }), 'CREDENTIAL_REJECTED'],
    ['the stores differ', pretendSecret(password, { stores: [pretendStore(password), pretendStore(generate(ALNUM, 24))] }), 'STORE_DRIFT'],
    ['a store cannot be read', pretendSecret(password, { stores: [pretendStore(password, { read: async () => refused('STORE_DENIED', 'pretend store') })] }), 'STORE_DENIED'],
    ['a consumer that alone could accept it holds another', pretendSecret(password, { waves: [[pretend({ attest: async () => done({ holds: 'neither', by: 'challenge', evidence: {} }) })]] }, { traits: { acceptor: 'consumers' } }), 'CONSUMER_STALE'],
  ] as const)('is refused while %s, and nothing is written', async (_, secret, code) => {
    const state = await freshState()
    const failed = await adopt(state, secret).catch((thrown: unknown) => thrown)
    expect(failed).toMatchObject({ code })
    expect(JSON.stringify([failed, String(failed)])).not.toContain(password)
    expect(await ledgerOf(state)).toEqual([])
    expect((await readNotes(state.db)).entries).toEqual([])
  })

  it('is refused while a rotation of the secret is open', async () => {
    const state = await freshState()
    await openOne(state, 'database-1', { secret: 'database' })
    await expect(adopt(state, pretendSecret(password))).rejects.toMatchObject({ code: 'ROTATION_OPEN', about: 'database-1' })
  })

  it('asks the consumers where no server knows the value, and says when nobody could be asked', async () => {
    const traits = { acceptor: 'consumers' } as const
    const logins: Login[] = []
    expect(await adopt(await freshState(), pretendSecret(password, {}, { traits }, logins))).toMatchObject({ adopted: true, evidence: { 'pretend?service': 'attested' } })
    expect(await adopt(await freshState(), pretendSecret(password, { waves: [] }, { traits }, logins))).toMatchObject({ adopted: true, evidence: { proof: 'none' } })
    expect(logins).toEqual([])
  })

  it('tries no wrong value where that could lock the account (I12)', async () => {
    const logins: Login[] = []
    const adopted = await adopt(await freshState(), pretendSecret(password, {}, { traits: { lockout: 2 } }, logins))
    expect(adopted.evidence).toEqual({ primary: 'accepted:00000' })
    expect(logins.map((login) => login.password)).toEqual([password])
    await adopt(await freshState(), pretendSecret(password, {}, { traits: { lockout: 3 } }, logins))
    expect(logins).toHaveLength(3)
  })

  it('has the value masked from the moment on that it is read', async () => {
    const redactor = new Redactor()
    await adopt(await freshState(), pretendSecret(password), redactor)
    expect(redactor.mask(`x ${password} app y`)).toBe('x «secret» app y')
  })
})
