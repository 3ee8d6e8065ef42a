import { createPrivateKey } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseEnv } from 'node:util'
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import { answerChallenge } from '../../src/kit/challenge.ts'
import { Secret } from '../../src/kit/secret.ts'

// One instance of an API as a process of its own: `node instance.ts FOLDER NAME PORT LIFE FRONT`. It hands out tokens that live LIFE
// seconds and checks those of all instances, with jose, as services do. Its keys are those that it found when it started: JWT_SECRET and
// JWT_SECRET_PREVIOUS of FOLDER/.env, or FOLDER/private.pem to sign with and the key set that FRONT serves to check with, which it keeps
// for a second. It ends with FOLDER.

const [folder = '.', name = '', port = '0', life = '3', front = ''] = process.argv.slice(2)

/** The keys that an instance holds. */
interface Keys {
  sign(at: number): Promise<string>
  verify(token: string): Promise<unknown>
  /** What it signs with, and what it accepts beside it, as it shows them to a challenge. */
  readonly shown: readonly [string, ...string[]]
  readonly set?: string
}

const claims = (at: number): SignJWT => new SignJWT({ from: name }).setIssuedAt(at).setExpirationTime(at + Number(life))

function sharedKeys(): Keys {
  const env = parseEnv(readFileSync(join(folder, '.env'), 'utf8'))
  const all = [env['JWT_SECRET'] ?? '', env['JWT_SECRET_PREVIOUS'] ?? ''].filter((value, index) => index === 0 || value !== '')
  const keys = all.map((value) => new TextEncoder().encode(value))
  const [first = new Uint8Array()] = keys
  return {
    sign: (at) => claims(at).setProtectedHeader({ alg: 'HS256' }).sign(first),
    verify: async (token) => {
      for (const key of keys.slice(0, -1)) {
        try {
          return await jwtVerify(token, key)
        } catch (thrown) {
          if (!(thrown instanceof errors.JWSSignatureVerificationFailed)) throw thrown
        }
      }
      return jwtVerify(token, keys.at(-1) ?? first)
    },
    shown: [all[0] ?? '', ...all.slice(1)],
  }
}

function pairKeys(): Keys {
  const key = createPrivateKey(readFileSync(join(folder, 'private.pem'), 'utf8'))
  const set = readFileSync(join(folder, 'jwks.json'), 'utf8')
  const { keys } = JSON.parse(set) as { readonly keys: readonly { readonly kid: string; readonly x: string }[] }
  const own = key.export({ format: 'jwk' }).x
  const kid = keys.find(({ x }) => x === own)?.kid ?? ''
  const remote: JWTVerifyGetKey = createRemoteJWKSet(new URL(`${front}/jwks`), { cacheMaxAge: 1_000, cooldownDuration: 1_000 })
  return {
    sign: (at) => claims(at).setProtectedHeader({ alg: 'EdDSA', kid }).sign(key),
    verify: (token) => jwtVerify(token, remote),
    shown: [kid, ...keys.flatMap((each) => (each.kid === kid ? [] : [each.kid]))],
    set,
  }
}

const keys = existsSync(join(folder, 'private.pem')) ? pairKeys() : sharedKeys()

/** `ok`, or what jose says of the token. */
async function verdict(token: string): Promise<string> {
  try {
    await keys.verify(token)
    return 'ok'
  } catch (thrown) {
    if (thrown instanceof errors.JOSEError) return `${thrown.code} ${decodeProtectedHeader(token).alg}`
    throw thrown
  }
}

async function answer(request: IncomingMessage): Promise<string> {
  if (request.url === '/jwks') return keys.set ?? ''
  if (request.url === '/readyz') return '{}'
  if (request.url === '/private') return verdict(request.headers.authorization?.slice('Bearer '.length) ?? '')
  const asked = JSON.parse(await text(request)) as { readonly nonce: string; readonly count: number; readonly tokens: readonly string[] }
  switch (request.url) {
    case '/mint': {
      const at = Math.floor(Date.now() / 1000)
      return JSON.stringify(await Promise.all(Array.from({ length: asked.count }, () => keys.sign(at))))
    }
    case '/verify':
      return JSON.stringify(await Promise.all(asked.tokens.map(verdict)))
    default: {
      const [first, ...others] = keys.shown.map((value) => answerChallenge(new Secret(value), asked.nonce))
      return JSON.stringify({ answer: first, others })
    }
  }
}

const server = createServer((request, response) => {
  answer(request).then((body) => response.writeHead(request.url === '/private' && body !== 'ok' ? 401 : 200).end(body), () => response.writeHead(500).end())
})
const pidFile = join(folder, `${name}.pid`)
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
setInterval(() => {
  if (!existsSync(folder)) process.exit(0)
}, 200).unref()
server.listen(Number(port), '127.0.0.1', () => {
  rmSync(pidFile, { force: true })
  writeFileSync(`${pidFile}.new`, `${process.pid}\n`)
  renameSync(`${pidFile}.new`, pidFile)
})
