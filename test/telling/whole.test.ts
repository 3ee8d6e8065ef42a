import { describe, expect, it } from 'vitest'
import { BACKENDS } from '../fixture/state.ts'
import { CONSOLE, personIssuer } from '../people/console.ts'
import { ABLE, type Rig, setRig } from './rig.ts'

const ESCALATION = [
  { when: 'auth-failures', do: ['Go back to the previous secret, then look.'], contacts: ['#support'], link: 'https://runbooks.example/auth' },
  { when: 'task-asked', do: ['Ask whoever is at the desk.'] },
]

describe.each(BACKENDS)('a rotation by the shipped command line, on $name', ({ kind, place }) => {
  const rigFor = async (): Promise<Rig> => {
    const at = kind === 'postgres' ? await place() : undefined
    return setRig(ABLE, at === undefined || typeof at === 'string' ? {} : { manifest: { state: '${env:STATE_URL}' }, env: { STATE_URL: at.url.reveal() } })
  }

  it('is told from its beginning to its end, in order, each once, and no notice holds a value (N-01, N-02, S1-65, X-08)', async () => {
    const rig = await rigFor()
    for (const times of [1, 2]) {
      const ran = await rig.run(['rotate', 'mail', '--wait'])
      expect(ran.code, ran.said).toBe(0)
      expect(rig.kinds()).toEqual(Array.from({ length: times }, () => ['rotation-opened', 'impact-begun', 'rotation-done']).flat())
    }
    expect(rig.arrived()[0]).toMatchObject({ system: 'strategies', environment: 'staging', secret: 'mail', owner: 'platform', severity: 'info', facts: { strategy: 'overlap' } })
    expect(new Set(rig.arrived().map(({ id }) => id)).size).toBe(6)
    const listed = (await rig.run(['notify', 'list', '--json'])).json() as { readonly notices: readonly { readonly state: string; readonly tries: number }[] }
    expect(listed.notices.map(({ state, tries }) => `${state} ${tries}`)).toEqual(Array(6).fill('sent 1'))
    expect(rig.leaks()).toEqual([])
  })
})

describe('what people are told', () => {
  it('asks them by name of the task, with what the escalation table says; thanks them when it is done (N-06, S0-31)', async () => {
    const rig = await setRig(CONSOLE, { issuer: personIssuer, manifest: { escalation: ESCALATION }, secret: { consumers: [], checks: [], quiet: '0s' } })
    expect((await rig.run(['rotate', 'mail', '--wait'])).code).toBe(4)
    expect(rig.kinds()).toEqual(['rotation-opened', 'task-asked'])
    expect(rig.arrived()[1]).toMatchObject({
      severity: 'warning', trouble: 'begun', title: expect.stringMatching(/^mail: somebody is asked: Make the key of mail anew/) as string,
      advice: { actions: [expect.stringContaining('keyturn task show mail') as string, 'Ask whoever is at the desk.'] },
    })
    expect((await rig.run(['status', '--json'])).json()).toMatchObject({ open: [{ state: 'asked', escalation: { actions: ['Ask whoever is at the desk.'], contacts: [] } }] })
    expect((await rig.run(['status'])).out).toContain('1. Ask whoever is at the desk.')
    expect((await rig.run(['task', 'decline', 'mail', '--reason', 'hunter2hunter2'])).code).toBe(5)
    expect(rig.kinds().slice(2)).toEqual(['task-declined', 'rotation-turned', 'rotation-rolled-back'])
    expect(JSON.stringify(rig.arrived())).not.toContain('hunter2')
    expect(rig.leaks()).toEqual([])
  })

  it('is tried by `notify test`, which says why it does not arrive; doctor and status look at it, too', async () => {
    const rig = await setRig()
    const tried = await rig.run(['notify', 'test', 'ops', '--json'])
    expect(tried.json()).toMatchObject({ notifier: 'ops', sent: true })
    expect(rig.kinds()).toEqual(['notice-tested'])
    expect(await rig.run(['notify', 'test', 'opps'])).toMatchObject({ code: 2, err: expect.stringContaining('It has: ops.') as string })
    rig.receiver.status = 403
    expect(await rig.run(['notify', 'test', 'ops'])).toMatchObject({ code: 3, err: expect.stringContaining('RIGHTS_MISSING') as string })
    await rig.run(['rotate', 'mail', '--wait'])
    const doctor = (await rig.run(['doctor', '--json'])).json() as { readonly findings: readonly { readonly area: string; readonly code?: string; readonly says: string }[] }
    expect(doctor.findings.filter(({ area }) => area === 'notifier')).toMatchObject([{ code: 'RIGHTS_MISSING', says: expect.stringContaining('1 to be sent again, 0 given up') as string }])
    expect((await rig.run(['status', '--json'])).json()).toMatchObject({ undelivered: [{ notifier: 'ops', failing: 1, givenUp: 0, code: 'RIGHTS_MISSING' }] })
    expect((await rig.run(['status'])).out).toContain('ops is not told: 1 to be sent again')
    expect(rig.leaks()).toEqual([])
  })
})
