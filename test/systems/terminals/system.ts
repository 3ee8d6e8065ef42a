import { debianProgram } from '../parts/debian.ts'
import type { System } from '../system.ts'

/** Each turns the echo off in a way of its own. */
export const programs = { python: debianProgram('python3'), openssl: debianProgram('openssl'), bash: debianProgram('bash') }

export default {
  says: 'programs that ask for a password on their terminal get it there, and only with the echo off',
  runs: { 'asking.test.ts': Object.values(programs) },
} satisfies System
