import { requestCommand } from '../turn.ts'

/** `keyturn abort ROTATION`: rolls back what is open. */
export const run = requestCommand('abort')
