export { openAttestor } from './attestor.ts'
export { openCheck } from './check.ts'
export { openConsumer } from './consumer.ts'
export { openStore } from './store.ts'
