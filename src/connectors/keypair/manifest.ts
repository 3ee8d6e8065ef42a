import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'

/** What NIST SP 800-57 asks for, and the most that a signature for every request can bear. */
const LEAST_BITS = 2048
const MOST_BITS = 4096

/** Strict: what stands under `issuer:` with `use: keypair`. */
export const issuerConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,62}$/)
      .describe('What the key is, e.g. `jwt`. One name in one folder is one key, in every manifest there.'),
    alg: z
      .enum(['RS256', 'ES256', 'EdDSA'])
      .describe('The algorithm by its name in JWS (RFC 7518, RFC 8037): RSA, the curve P-256, or Ed25519.'),
    bits: z
      .int()
      .min(LEAST_BITS)
      .max(MOST_BITS)
      .multipleOf(8)
      .optional()
      .describe('For RS256: the length of the modulus; 2048 when absent.'),
    private: z
      .enum(['pem', 'pem-base64', 'jwk'])
      .default('pem')
      .describe('How the private key is written: PKCS #8 in PEM, which has several lines; the same in base64 on one line; or a JSON Web Key on one line.'),
    strategy: z
      .enum(['dual-key', 'in-place', 'hard-cut'])
      .default('dual-key')
      .describe('Two keys that are accepted side by side, or one that ends what the one before has signed.'),
  })
  .refine((config) => config.bits === undefined || config.alg === 'RS256', { path: ['bits'], error: 'keys of this algorithm have one length: leave `bits` out' })

export type IssuerConfig = z.infer<typeof issuerConfig>

export default describeConnector({
  id: 'keypair',
  title: 'Key pair',
  summary: 'Makes a pair of keys, the private one to sign with and the public one to verify with, with its key id and its JSON Web Key.',
  links: [
    'https://nodejs.org/api/crypto.html#cryptogeneratekeypairsynctype-options',
    'https://www.rfc-editor.org/rfc/rfc7517',
    'https://www.rfc-editor.org/rfc/rfc7518',
    'https://www.rfc-editor.org/rfc/rfc7638',
    'https://www.rfc-editor.org/rfc/rfc8037',
  ],
  families: { issuer: issuerConfig },
  strategies: ['dual-key', 'in-place', 'hard-cut'],
  fields: { private: 'secret', public: 'plain', jwk: 'plain', kid: 'plain' },
})
