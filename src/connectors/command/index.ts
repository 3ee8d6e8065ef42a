export { openCheck } from './check.ts'
export { openConsumer } from './consumer.ts'
export { openIssuer } from './issuer.ts'
export { openNotifier } from './notifier.ts'
