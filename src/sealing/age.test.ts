import { Encrypter } from 'age-encryption'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../test/fixture/state.ts'
import { callWithin } from '../testing/call.ts'
import { sealerSuite } from '../testing/sealer.ts'
import { ageSealer } from './age.ts'
import { createIdentity, readIdentity } from './identity.ts'

sealerSuite({ describe, it, expect }, 'age', async () => {
  const folder = tempFolder()
  const [mine, theirs] = [join(folder, 'mine'), join(folder, 'theirs')]
  return {
    sealer: ageSealer(await createIdentity(mine)),
    again: async () => ageSealer(await readIdentity(mine)),
    other: ageSealer(await createIdentity(theirs)),
    close: () => undefined,
  }
})

describe('what age seals', () => {
  it('does not open when somebody made it who knows no more than the recipient', async () => {
    const [mine, theirs] = [await createIdentity(join(tempFolder(), 'mine')), await createIdentity(join(tempFolder(), 'theirs'))]
    const encrypter = new Encrypter()
    encrypter.addRecipient(mine.recipient)
    const file = await encrypter.encrypt('chosen by somebody else')
    const codes = [Buffer.alloc(64, '0'), Buffer.from(theirs.mac(Buffer.concat([Buffer.from('place'), file])))]
    for (const sealed of [file, ...codes.map((code) => Buffer.concat([code, file]))]) {
      expect(await ageSealer(mine).unseal(sealed, 'place', callWithin(10_000))).toMatchObject({ is: 'refused', code: 'SEAL_BROKEN' })
    }
  })

  it('does not open with an end of the context taken into the file, or the other way round', async () => {
    const sealer = ageSealer(await createIdentity(join(tempFolder(), 'mine')))
    const sealed = await sealer.seal(Buffer.from('x'), 'place', callWithin(10_000))
    if (sealed.is !== 'done') throw new Error(sealed.is)
    const bytes = Buffer.from(sealed.value)
    const [code, file] = [bytes.subarray(0, 64), bytes.subarray(64)]
    const moved = [[Buffer.concat([code, Buffer.from('ce'), file]), 'pla'], [Buffer.concat([code, file.subarray(3)]), 'placeage']] as const
    for (const [shifted, context] of moved) expect(await sealer.unseal(shifted, context, callWithin(10_000))).toMatchObject({ is: 'refused', code: 'SEAL_BROKEN' })
  })
})
