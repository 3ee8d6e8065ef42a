export { openIssuer } from './issuer.ts'
export { openNotifier } from './notifier.ts'
