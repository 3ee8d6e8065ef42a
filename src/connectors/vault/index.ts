export { openIssuer } from './issuer.ts'
export { openReference } from './reference.ts'
export { openStore } from './store.ts'
export { transitSealer as openSealer } from './transit.ts'
