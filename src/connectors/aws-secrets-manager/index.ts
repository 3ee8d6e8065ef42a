export { openIssuer } from './issuer.ts'
export { openStore } from './store.ts'
