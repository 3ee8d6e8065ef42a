/** The one way to speak to AWS: with its own SDK, loaded where it is used, and its answers told apart. */
export * from './connection.ts'
export * from './failure.ts'
export * from './session.ts'
