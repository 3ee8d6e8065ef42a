export { openAttestor } from './attestor.ts'
export { openCheck } from './check.ts'
