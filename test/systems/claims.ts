import { beforeEach, describe, expect, it } from 'vitest'
import type { Family, Strategy } from '../../src/kit/connector.ts'
import type { Runner } from '../../src/testing/runner.ts'

/** That a connector does this, and on what it was seen to do it. */
export interface Claim {
  readonly connector: string
  /** In which family; `load` is a rotation of a live service in which no operation failed. */
  readonly as: Family | 'load'
  /** Of an issuer; each of its strategies when absent. */
  readonly strategy?: Strategy
  /** The server with its version, as it says it: `Redis 7.0.15`. A fake is `fake`. */
  readonly on: string
}

declare module 'vitest' {
  interface TaskMeta {
    /** What the test proves when it passes. */
    claims?: readonly Claim[]
  }
}

/** A function where the version is known only when the server runs. */
export type Claims = Claim | readonly Claim[] | (() => Claim | Promise<Claim>)

/**
 * Called in a file or a `describe`: that all tests in it pass is the proof of the claims, and nothing else is. What is proven goes to
 * docs/proven.json, from which docs/connectors.md is made.
 */
export function proves(claims: Claims): void {
  beforeEach(async ({ task }) => {
    task.meta.claims = [typeof claims === 'function' ? await claims() : claims].flat()
  })
}

/** The test runner for a conformance suite whose passing proves this: `issuerSuite(proving({ ... }), ...)`. */
export function proving(claims: Claims, how: (name: string, body: () => void) => void = describe): Runner {
  return {
    describe: (name, body) => how(name, () => {
      proves(claims)
      body()
    }),
    it, expect,
  }
}
