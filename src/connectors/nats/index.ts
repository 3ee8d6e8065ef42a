export { openCheck } from './check.ts'
export { openIssuer } from './issuer.ts'
