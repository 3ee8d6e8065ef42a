import { existsSync } from 'node:fs'
import { receiptFile, type Stopped } from '../engine/drive.ts'
import type { Engine } from '../engine/engine.ts'
import type { TimedEvent } from '../engine/event.ts'
import type { Progress } from '../engine/progress.ts'
import { eventLine, stopLines } from '../views/progress.ts'
import type { Terminal } from './terminal.ts'

/** Prints a line for every event that a reader wants to see, as it happens; nothing with `--json`. */
export function progressPrinter(terminal: Terminal, json: boolean): (rotation: string, event: TimedEvent, progress: Progress) => void {
  return (_, event, progress) => {
    if (json) return
    const line = eventLine(event, progress, terminal.paint)
    if (line !== undefined) terminal.out(line)
  }
}

/** Says where a run stopped and what happens next. */
export async function tellRun(terminal: Terminal, engine: Pick<Engine, 'state'>, rotation: string, stopped: Stopped, json: boolean): Promise<void> {
  const file = receiptFile(engine.state.folder, rotation)
  const receipt = stopped.is === 'closed' && existsSync(file) ? file : undefined
  if (json) terminal.out(JSON.stringify({ rotation, ...stopped, ...(receipt === undefined ? {} : { receipt }) }))
  else for (const line of stopLines(stopped, rotation, receipt, terminal.paint)) terminal.out(line)
}
