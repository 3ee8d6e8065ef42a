/** Conformance suites for connectors and what they are run with: see CONTRIBUTING.md. */
export { type AttestorWorld, attestorSuite } from './attestor.ts'
export { callWithin } from './call.ts'
export { type CheckFault, type CheckWorld, checkSuite } from './check.ts'
export { type ConsumerFault, type ConsumerWorld, consumerSuite, type Held } from './consumer.ts'
export { type DiskFault, type DiskStep, faultyDisk } from './disk.ts'
export { type Fault, faults } from './faults.ts'
export { type IssuerWorld, issuerSuite } from './issuer.ts'
export { type Delivery, type NotifierWorld, notifierSuite } from './notifier.ts'
export { referenceSuite, type ReferenceUnderTest } from './reference.ts'
export { referenceConfig } from './reference-config.ts'
export {
  REFERENCE_ADMIN, type ReferenceFault, type ReferenceIssuer, type ReferenceOperation, startReferenceIssuer,
} from './reference-issuer.ts'
export { type ReferenceKey, ReferenceKeys } from './reference-keys.ts'
export { referenceTraits, type ReferenceTraits, titleOf } from './reference-traits.ts'
export type { Expectation, Runner } from './runner.ts'
export { sealerSuite, type SealerUnderTest } from './sealer.ts'
export { storeSuite, type StoreUnderTest } from './store.ts'
