import type { System } from '../system.ts'
import { rabbitmq } from './broker.ts'

export default {
  says: 'users of RabbitMQ are rotated with a second one or in place, and services lose no message',
  runs: { 'rabbitmq.test.ts': [rabbitmq] },
} satisfies System
