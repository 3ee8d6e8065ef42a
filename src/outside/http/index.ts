/** The one way to speak HTTP, and requests that a manifest describes. */
export * from './described.ts'
export * from './matcher.ts'
export * from './probe.ts'
export * from './ready.ts'
export * from './request.ts'
export * from './send.ts'
export * from './template.ts'
export * from './url.ts'
