import { z } from 'zod'
import { type Answer, done, refused, unknown } from '../../kit/answer.ts'
import type { Host } from '../../kit/call.ts'
import type { Sealer } from '../../kit/sealer.ts'
import { type Door, outcomeOf, placeOf, read, says, send, type Time } from './api.ts'
import { asAdmin } from './door.ts'
import type { SealerConfig } from './sealer-schema.ts'

const encryptedSchema = z.object({ data: z.object({ ciphertext: z.string().regex(/^vault:v\d+:[A-Za-z0-9+/]+=*$/) }) })
const decryptedSchema = z.object({ data: z.object({ plaintext: z.string() }) })

/** Four bytes for the version of the key, then what it made. */
const VERSION_BYTES = 4

/** Stands before what is sealed: Vault does not take an empty text. */
const MARK = Buffer.of(1)

/**
 * Seals with a key that never leaves Vault. The key has to be one that authenticates (`aes256-gcm96`, the usual one, or
 * `chacha20-poly1305`); the context is its associated data. When the key is rotated older seals still open, until `min_decryption_version`
 * is raised.
 * https://developer.hashicorp.com/vault/api-docs/secret/transit
 */
export function transitSealer(config: SealerConfig, host: Pick<Host, 'resolve' | 'conceal'>): Sealer {
  const { mount, key } = config
  const recipient = `${placeOf(config)}/${mount}/${key}`
  const ask = async <T>(what: 'encrypt' | 'decrypt', body: object, schema: z.ZodType<T>, door: Door, call: Time): Promise<Answer<T>> => {
    const asked = { method: 'POST', path: `${mount}/${what}/${key}`, body } as const
    const answer = await send(door, asked, call)
    if (answer.is !== 'done') return answer
    if (answer.value.status === 400 && says(answer.value, /key not found/i)) return refused('PRINCIPAL_MISSING', `there is no key ${recipient}`)
    if (answer.value.status === 400 && says(answer.value, /too old/i)) return refused('REQUEST_REFUSED', `the key ${recipient} no longer opens what an older version of it sealed: lower \`min_decryption_version\``)
    if (answer.value.status === 400 && what === 'decrypt') return refused('SEAL_BROKEN', recipient)
    const outcome = outcomeOf(answer.value, door, asked)
    return outcome.is === 'done' ? read(outcome.value, schema, door) : outcome
  }
  const bound = (context: string): object => (context === '' ? {} : { associated_data: Buffer.from(context).toString('base64') })

  return {
    id: 'transit',
    recipient,
    seal: (plain, context, call) => asAdmin(config, host, call, async (door) => {
      const plaintext = Buffer.concat([MARK, plain]).toString('base64')
      const made = await ask('encrypt', { plaintext, ...bound(context) }, encryptedSchema, door, call)
      if (made.is !== 'done') return made
      const [, version = '', text = ''] = made.value.data.ciphertext.split(':')
      const head = Buffer.alloc(VERSION_BYTES)
      head.writeUInt32BE(Number(version.slice(1)))
      return done(Buffer.concat([head, Buffer.from(text, 'base64')]))
    }),
    unseal: (sealed, context, call) => asAdmin(config, host, call, async (door) => {
      const bytes = Buffer.from(sealed)
      const version = bytes.length <= VERSION_BYTES ? 0 : bytes.readUInt32BE()
      // Vault takes version 0 for version 1.
      if (version === 0) return refused('SEAL_BROKEN', recipient)
      const ciphertext = `vault:v${version}:${bytes.subarray(VERSION_BYTES).toString('base64')}`
      const opened = await ask('decrypt', { ciphertext, ...bound(context) }, decryptedSchema, door, call)
      if (opened.is !== 'done') return opened
      const plain = Buffer.from(opened.value.data.plaintext, 'base64')
      return plain.subarray(0, MARK.length).equals(MARK) ? done(plain.subarray(MARK.length)) : unknown('RESPONSE_UNFIT', recipient)
    }),
  }
}
