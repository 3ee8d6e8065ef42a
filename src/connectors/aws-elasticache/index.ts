export { openIssuer } from './issuer.ts'
