/** The one way to start other programs, and to look at running ones. */
export * from './argv.ts'
export * from './command.ts'
export * from './environment.ts'
export * from './lock.ts'
export * from './run.ts'
export * from './start.ts'
