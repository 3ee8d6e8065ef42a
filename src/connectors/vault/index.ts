export { openIssuer } from './issuer.ts'
export { openReference } from './reference.ts'
export { openStore } from './store.ts'
