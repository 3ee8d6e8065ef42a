import type { ByHand } from '../../by-hand/index.ts'
import { bytesOf, type IssuerConfig } from './manifest.ts'

/** The commands that make what make.ts makes, on one line each. */
export default {
  issuer: (config: IssuerConfig) => ({
    propose: {
      says: 'Make a new value. Run this once.',
      run: `NEW_VALUE=$(${command(config)})\n[ -n "$NEW_VALUE" ] && echo made`,
      prints: 'made',
    },
    mint: () => [{ says: 'Nobody has to be told of it: the value is good from the moment when its consumers have it.' }],
  }),
} satisfies ByHand

function command({ format, bytes, length }: IssuerConfig): string {
  if (format === 'alnum') return `LC_ALL=C tr -dc A-Za-z0-9 < /dev/urandom | head -c ${length ?? 43}`
  if (format === 'uuid') return 'cat /proc/sys/kernel/random/uuid'
  const count = bytes ?? (length === undefined ? 32 : (bytesOf(format, length) ?? 32))
  const chance = `head -c ${count} /dev/urandom`
  if (format === 'hex') return `${chance} | od -An -v -tx1 | tr -d ' \\n'`
  // base64 breaks its lines: the line end would become a part of the key.
  return format === 'base64' ? `${chance} | base64 | tr -d '\\n'` : `${chance} | base64 | tr -d '=\\n' | tr '+/' '-_'`
}
