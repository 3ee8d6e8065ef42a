import { controlPlaneParts } from '../kubernetes/rig/parts.ts'
import type { System } from '../system.ts'
import { kustomizeController, schemas, sealedSecretsPrograms, sourceController } from './rig/parts.ts'

const all = [...controlPlaneParts, sealedSecretsPrograms, sourceController, kustomizeController, ...schemas]

export default {
  says: 'what is sealed and pushed is fetched and applied by the controllers of Flux, opened by the controller of Sealed Secrets, and waited for before anybody is reloaded',
  runs: { 'sealing.test.ts': [sealedSecretsPrograms], 'store.test.ts': all, 'rotation.test.ts': all },
} satisfies System
