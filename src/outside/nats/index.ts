/** The one way to log in to NATS: with its own client, loaded where it is used, and its verdicts told apart. */
export * from './login.ts'
export * from './verdict.ts'
