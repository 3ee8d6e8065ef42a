/** A rotation that wants to go on at a time, unix ms. */
export interface Due {
  readonly id: string
  readonly at: number
}

/**
 * Tells workers when to look at which rotation, each of them one worker. It is a hint and nothing else: who may go on with a rotation
 * is decided by its lease, and what it forgets is found by the scan of due times.
 */
export interface Waker {
  /** Has each of these be looked at at its time. May be repeated: of one rotation there is one wake at most. */
  expect(due: readonly Due[]): Promise<void>
  /** The rotations that this worker should look at now, so many at most; nobody else is given them. */
  take(count: number): Promise<readonly string[]>
  close(): Promise<void>
}
