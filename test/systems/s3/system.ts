import type { System } from '../system.ts'
import { minioPart } from './minio.ts'

export default {
  says: 'access keys of MinIO are rotated beside each other, and services lose no operation by it',
  runs: { 'issuer.test.ts': [minioPart], 'load.test.ts': [minioPart] },
} satisfies System
