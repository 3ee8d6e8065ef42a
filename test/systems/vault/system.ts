import { goProgram } from '../parts/go.ts'
import type { System } from '../system.ts'

/** Later versions of 1.21 do not build: their own `sdk` was never published. */
export const vaultProgram = goProgram({ title: 'Vault 1.21.0', name: 'vault', package: 'github.com/hashicorp/vault', version: 'v1.21.0' })

export default {
  says: 'the vault connector keeps its laws on a real Vault, and goes on after one that was sealed, stopped or short of rights',
  runs: { 'conformance.test.ts': [vaultProgram], 'sealing.test.ts': [vaultProgram], 'vault.test.ts': [vaultProgram] },
} satisfies System
