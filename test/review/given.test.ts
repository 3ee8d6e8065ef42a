import { describe, expect, it } from 'vitest'
import { generate, ALNUM } from '../../src/kit/generate.ts'
import { Secret } from '../../src/kit/index.ts'
import { play } from './play.ts'

const value = (text: string): { readonly value: { readonly password: Secret } } => ({ value: { password: new Secret(text) } })

describe('a value that a person gives', () => {
  it.each(['alternate', 'in-place'] as const)('%s: is the one that is minted, sealed with the opening, and never in the journal (C-18)', async (strategy) => {
    const given = generate(ALNUM, 40)
    const { outside, on, events, dieAt } = await play({ strategy, opening: value(given) })
    await dieAt('mint', 'after-intent')
    expect(await on()).toMatchObject({ is: 'closed', result: 'done' })
    expect(outside.stored).toBe(`${strategy === 'alternate' ? 'b' : 'a'}:${given}`)
    const journal = await events()
    expect(journal[0]).toMatchObject({ type: 'rotation-opened', given: true })
    expect(JSON.stringify(journal)).not.toContain(given)
  })

  it.each([['empty', ''], ['copied with a line break', `${generate(ALNUM, 20)}\n`], ['copied with a space', ` ${generate(ALNUM, 20)}`]])(
    '%s is refused before anything is opened',
    async (_, text) => {
      await expect(play({ opening: value(text) })).rejects.toMatchObject({ code: 'TASK_UNFIT' })
    },
  )

  it('of a field that the credential does not have, or with one missing, is refused', async () => {
    await expect(play({ opening: { value: {} } })).rejects.toMatchObject({ code: 'TASK_UNFIT', about: 'password is missing' })
    const two = { password: new Secret('x1y2z3'), pin: new Secret('1234') }
    await expect(play({ opening: { value: two } })).rejects.toMatchObject({ code: 'TASK_UNFIT', about: 'there is no field pin' })
  })
})
