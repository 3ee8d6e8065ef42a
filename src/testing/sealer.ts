import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import type { Answer } from '../kit/answer.ts'
import { ALNUM, generate } from '../kit/generate.ts'
import type { Sealer } from '../kit/sealer.ts'
import { encodings } from '../redact/encodings.ts'
import { callWithin } from './call.ts'
import { inWorldOf } from './in-world.ts'
import type { Runner } from './runner.ts'

/** A sealer, and others to tell it from. */
export interface SealerUnderTest {
  readonly sealer: Sealer
  /** The same key, opened a second time, as another process has it. */
  again(): Promise<Sealer> | Sealer
  /** Of the same kind, with another key. */
  readonly other: Sealer
  close(): Promise<void> | void
}

const CONTEXT = '["rotation-1","new","atlas/staging/database"]'

/** So many bytes of what was sealed are changed, each in a try of its own; all of them where there are no more. */
const CHANGED = 200

/** The laws of {@link Sealer}. `make` is called afresh for each of them. */
export function sealerSuite({ describe, it, expect }: Runner, name: string, make: () => Promise<SealerUnderTest> | SealerUnderTest): void {
  const law = inWorldOf(it, make)
  const seal = async (sealer: Sealer, plain: Uint8Array, context = CONTEXT): Promise<Uint8Array> => must(await sealer.seal(plain, context, callWithin(30_000)))
  const unseal = (sealer: Sealer, sealed: Uint8Array, context = CONTEXT): Promise<Answer<Uint8Array>> => sealer.unseal(sealed, context, callWithin(30_000))
  const broken = async (sealer: Sealer, sealed: Uint8Array, context = CONTEXT): Promise<void> => {
    expect(await unseal(sealer, sealed, context)).toMatchObject({ is: 'refused', code: 'SEAL_BROKEN' })
  }

  describe(`${name} keeps the laws of a sealer`, () => {
    law('it has a name for its kind and one for its key, which stay', async ({ sealer, again, other }) => {
      const same = await again()
      expect(/^[a-z][a-z0-9-]*$/.test(sealer.id)).toBe(true)
      expect([same.id, same.recipient]).toEqual([sealer.id, sealer.recipient])
      expect(other.id).toBe(sealer.id)
      expect(other.recipient === sealer.recipient).toBe(false)
      expect(sealer.recipient).not.toBe('')
    })

    law('what it seals comes back byte for byte, from any process that has the key', async ({ sealer, again }) => {
      for (const plain of [new Uint8Array(0), Uint8Array.of(0), randomBytes(1), randomBytes(4_096), randomBytes(70_000), Buffer.from('grüße\n\0')]) {
        const sealed = await seal(sealer, plain)
        for (const each of [sealer, await again()]) expect(Buffer.from(must(await unseal(each, sealed))).equals(plain), `${plain.length} bytes`).toBe(true)
      }
    })

    law('it seals the same to other bytes each time', async ({ sealer }) => {
      const plain = randomBytes(64)
      const [one, two] = [await seal(sealer, plain), await seal(sealer, plain)]
      expect(Buffer.from(one).equals(two)).toBe(false)
    })

    law('what was sealed for one place does not open in another (I11)', async ({ sealer }) => {
      const sealed = await seal(sealer, randomBytes(64))
      for (const context of ['', ' ', CONTEXT.slice(1), `${CONTEXT} `, CONTEXT.replace('new', 'old'), CONTEXT.toUpperCase()]) await broken(sealer, sealed, context)
      for (const context of ['', 'a', 'grüße']) expect(must(await unseal(sealer, await seal(sealer, Uint8Array.of(1), context), context)).length).toBe(1)
    })

    law('what was changed in one byte, cut or made longer does not open', async ({ sealer }) => {
      const sealed = await seal(sealer, randomBytes(64))
      const step = Math.max(1, Math.floor(sealed.length / CHANGED))
      for (let at = 0; at < sealed.length; at += step) {
        const changed = Uint8Array.from(sealed)
        changed[at] = (changed[at] ?? 0) ^ 1
        await broken(sealer, changed)
      }
      for (const length of [0, 1, 32, Math.floor(sealed.length / 2), sealed.length - 1]) await broken(sealer, sealed.subarray(0, length))
      await broken(sealer, sealed.subarray(1))
      await broken(sealer, Buffer.concat([sealed, Uint8Array.of(0)]))
      await broken(sealer, Buffer.concat([sealed, sealed]))
    })

    law('what was sealed to another key does not open', async ({ sealer, other }) => {
      const plain = randomBytes(64)
      await broken(sealer, await seal(other, plain))
      await broken(other, await seal(sealer, plain))
    })

    law('nothing of the value is in what it makes, nor in what it says (I11)', async ({ sealer, other }) => {
      const value = generate(ALNUM, 40)
      const sealed = await seal(sealer, Buffer.from(JSON.stringify({ password: value })))
      const bytes = Buffer.from(sealed)
      expect([...encodings(value), value.slice(0, 12), value.slice(-12)].filter((form) => bytes.includes(form))).toEqual([])
      expect(bytes.includes(Buffer.from(value, 'utf16le'))).toBe(false)
      const refused = [await unseal(sealer, sealed, 'another'), await unseal(other, sealed)]
      const said = [JSON.stringify(refused), inspect(refused, { depth: 20 }), sealer.recipient].join('\n')
      expect([...encodings(value)].filter((form) => said.includes(form))).toEqual([])
    })
  })
}

function must<T>(answer: Answer<T>): T {
  if (answer.is === 'done') return answer.value
  throw new Error(answer.is === 'ask' ? 'ask' : `${answer.is} ${answer.code} ${answer.about ?? ''}`)
}
