import { requestCommand } from '../turn.ts'

/** `keyturn undo ROTATION`: turns the old credential on again in its undo window. */
export const run = requestCommand('undo')
