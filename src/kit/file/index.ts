/** The few shared ways to touch files. */
export * from './example.ts'
export * from './git.ts'
export * from './port.ts'
export * from './refusal.ts'
export * from './replace.ts'
export * from './target.ts'
export * from './tidy.ts'
