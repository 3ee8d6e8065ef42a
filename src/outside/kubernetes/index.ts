/** The one way to speak to Kubernetes: who asks by kubeconfig or service account, requests of the API, commands in pods. */
export * from './access.ts'
export * from './cluster.ts'
export * from './connection.ts'
export * from './exec.ts'
export * from './outcome.ts'
export * from './resource.ts'
export * from './review.ts'
