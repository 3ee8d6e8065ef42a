// <attestor>
export { openAttestor } from './attestor.ts'
// </attestor>
// <check>
export { openCheck } from './check.ts'
// </check>
// <consumer>
export { openConsumer } from './consumer.ts'
// </consumer>
// <issuer>
export { openIssuer } from './issuer.ts'
// </issuer>
// <notifier>
export { openNotifier } from './notifier.ts'
// </notifier>
// <reference>
export { openReference } from './reference.ts'
// </reference>
// <store>
export { openStore } from './store.ts'
// </store>
