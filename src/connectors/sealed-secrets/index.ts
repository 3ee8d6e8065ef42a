export { openStore } from './store.ts'
