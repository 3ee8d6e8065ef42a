/** What one `expect(...)` offers; the part of vitest's and jest's that the suites use. */
export interface Expectation {
  toBe(expected: unknown): void
  toEqual(expected: unknown): void
  toMatchObject(expected: object): void
  toContain(expected: unknown): void
  toBeDefined(): void
  toBeUndefined(): void
  toBeGreaterThan(expected: number): void
  toBeGreaterThanOrEqual(expected: number): void
  toBeLessThan(expected: number): void
  toBeLessThanOrEqual(expected: number): void
  readonly not: Expectation
}

/** The test runner that a conformance suite is written for: pass `{ describe, it, expect }` of vitest or another one. */
export interface Runner {
  describe(name: string, body: () => void): void
  it(name: string, body: () => Promise<void> | void): void
  expect(actual: unknown, message?: string): Expectation
}
