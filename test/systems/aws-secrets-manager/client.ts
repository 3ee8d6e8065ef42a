import type { Connect } from '../rig/client.ts'

/** A service that holds what AWS rotated. What accepts it is not part of this. */
const connect: Connect = async (env) => {
  const value = env['DB_PASSWORD'] ?? ''
  if (value === '') throw new Error('no password')
  return { value, work: async () => undefined, close: async () => undefined }
}

export default connect
