import { motoPart } from '../../servers/moto.ts'
import type { System } from '../system.ts'

export default {
  says: 'values are kept in AWS Secrets Manager with its labels, and rotations of its own are awaited, by the SDK of AWS',
  runs: { 'moto.test.ts': [motoPart], 'rotation.test.ts': [motoPart] },
} satisfies System
