import { drive, type Stopped } from '../engine/drive.ts'
import type { Engine } from '../engine/engine.ts'
import { waitLine } from '../views/progress.ts'
import type { Terminal } from './terminal.ts'

export interface FollowOptions {
  /** Stay through waits. */
  readonly wait: boolean
  readonly manifestKeys?: readonly string[]
}

/** A wait this short is stayed for even without `--wait`: exiting and coming back would take longer. */
const BRIEF_MS = 1_500

/** Drives one rotation; with `wait`, through its waits, with a line that counts down. */
export async function follow(engine: Engine, rotation: string, terminal: Terminal, options: FollowOptions): Promise<Stopped> {
  while (true) {
    const stopped = await drive(engine, rotation, options.manifestKeys === undefined ? {} : { manifestKeys: options.manifestKeys })
    if (stopped.is !== 'waiting' || engine.interrupt.aborted) return stopped
    if (!options.wait && (stopped.why === 'gate' || stopped.until - engine.now() > BRIEF_MS)) return stopped
    while (engine.now() < stopped.until && !engine.interrupt.aborted) {
      terminal.transient(waitLine(stopped, engine.now(), terminal.paint))
      await engine.sleep(Math.min(1_000, stopped.until - engine.now()), engine.interrupt)
    }
  }
}
