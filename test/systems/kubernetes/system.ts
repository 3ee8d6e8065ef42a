import type { System } from '../system.ts'
import { clusterParts, controlPlaneParts } from './rig/parts.ts'

export default {
  says: 'Secrets of a real API server are patched with no more than the documented rights, and real pods are rolled out and looked into, also under load',
  runs: {
    'api.test.ts': controlPlaneParts,
    'rbac.test.ts': controlPlaneParts,
    'pods.test.ts': clusterParts,
    'load.test.ts': clusterParts,
  },
} satisfies System
