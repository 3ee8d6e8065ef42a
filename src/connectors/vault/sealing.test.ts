import { describe, expect, it } from 'vitest'
import { reachFake } from '../../../test/systems/vault/reach.ts'
import { sealingSuite } from '../../../test/systems/vault/sealing.ts'

sealingSuite({ describe, it, expect }, 'a pretended Vault', reachFake)
