import { createHmac, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { KeyturnError } from '../kit/error.ts'

/** Everything that is derived from one age identity file: the only file that has to be kept safe. */
export interface Identity {
  /** `AGE-SECRET-KEY-1...`; opens the age files in sealed values, also with the plain age tool. */
  readonly secretKey: string
  /** `age1...`; seals. Public. */
  readonly recipient: string
  /** Authenticates sealed rows: anybody can encrypt to a recipient, only the holder of the identity can make this. */
  mac(bytes: Uint8Array): string
  /** A keyed fingerprint of a value: 128 bits, hex, `kf:` before it. The same value of another secret has another one. */
  fingerprint(scope: string, value: string): string
  /** Ed25519, signs receipts and checkpoints. */
  readonly signingKey: KeyObject
  /** PEM (SPKI). Public. */
  readonly publicKey: string
}

/** KEYTURN_IDENTITY, or `keyturn/identity` in the user's configuration folder: never inside the state's folder. */
export function identityPath(env: NodeJS.ProcessEnv): string {
  return env['KEYTURN_IDENTITY'] ?? join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'keyturn', 'identity')
}

/** Reads the identity file. Throws IDENTITY_MISSING, IDENTITY_UNSAFE (readable by others) or IDENTITY_WRONG (not an identity). */
export async function readIdentity(path: string): Promise<Identity> {
  if (!existsSync(path)) throw new KeyturnError('IDENTITY_MISSING', path)
  if ((statSync(path).mode & 0o077) !== 0) throw new KeyturnError('IDENTITY_UNSAFE', `${path} can be read by others`)
  const secretKey = /^AGE-SECRET-KEY-1[0-9A-Z]+$/m.exec(readFileSync(path, 'utf8'))?.[0]
  if (secretKey === undefined) throw new KeyturnError('IDENTITY_WRONG', `${path} holds no age identity`)
  const { identityToRecipient } = await import('age-encryption')
  return deriveIdentity(secretKey, await identityToRecipient(secretKey))
}

/** Makes a new identity file, 0600, in the common form of age. Fails with EEXIST when there is one already. */
export async function createIdentity(path: string): Promise<Identity> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption')
  const secretKey = await generateX25519Identity()
  const recipient = await identityToRecipient(secretKey)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // Whole or not at all, whoever is killed or finds the disk full; and of two at once one is first.
  const temp = `${path}.${process.pid}.tmp`
  try {
    const handle = openSync(temp, 'w', 0o600)
    try {
      writeSync(handle, `# keyturn identity: opens the sealed values of a state. Keep a copy where the state is not.\n# public key: ${recipient}\n${secretKey}\n`)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    linkSync(temp, path)
  } finally {
    rmSync(temp, { force: true })
  }
  return deriveIdentity(secretKey, recipient)
}

/** RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS #8. */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function deriveIdentity(secretKey: string, recipient: string): Identity {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secretKey, '', `keyturn/${purpose}/v1`, 32))
  const rowKey = derive('row')
  const fingerprintKey = derive('fingerprint')
  const signingKey = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, derive('receipt')]), format: 'der', type: 'pkcs8' })
  return {
    secretKey,
    recipient,
    mac: (bytes) => createHmac('sha256', rowKey).update(bytes).digest('hex'),
    fingerprint: (scope, value) => {
      const digest = createHmac('sha256', fingerprintKey).update(`${Buffer.byteLength(scope)}:${scope}`).update(value).digest('hex')
      return `kf:${digest.slice(0, 32)}`
    },
    signingKey,
    publicKey: createPublicKey(signingKey).export({ format: 'pem', type: 'spki' }).toString(),
  }
}
