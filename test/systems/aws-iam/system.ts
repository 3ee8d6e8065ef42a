import { motoPart } from '../../servers/moto.ts'
import type { System } from '../system.ts'

export default {
  says: 'access keys of an IAM user are rotated beside each other, by the SDK of AWS',
  runs: { 'moto.test.ts': [motoPart] },
} satisfies System
