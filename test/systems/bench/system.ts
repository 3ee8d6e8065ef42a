import { motoPart } from '../../servers/moto.ts'
import type { System } from '../system.ts'
import { vaultProgram } from '../vault/system.ts'

export default {
  says: 'a round of `npm run bench:systems`: the ways of Vault, of AWS and of the runbooks do what the table says of them',
  runs: { 'ways.test.ts': [vaultProgram, motoPart] },
} satisfies System
