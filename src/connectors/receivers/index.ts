export { openConsumer } from './consumer.ts'
