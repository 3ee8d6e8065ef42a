import { motoPart } from '../../servers/moto.ts'
import type { System } from '../system.ts'

export default {
  says: 'a value is kept in a parameter of AWS, whose other attributes stay, by the SDK of AWS',
  runs: { 'moto.test.ts': [motoPart] },
} satisfies System
