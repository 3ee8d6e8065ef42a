/** The one way to speak HTTP. */
export * from './ready.ts'
export * from './request.ts'
export * from './url.ts'
