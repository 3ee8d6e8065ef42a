/** What a connector's `by-hand.ts` is written with. */
export * from './bearer.ts'
export * from './contract.ts'
export * from './shell.ts'
export * from './expectation.ts'
