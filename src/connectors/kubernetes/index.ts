export { openAttestor } from './attestor.ts'
export { openConsumer } from './consumer.ts'
export { openStore } from './store.ts'
