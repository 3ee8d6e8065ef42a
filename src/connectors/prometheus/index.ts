export { openCheck } from './check.ts'
