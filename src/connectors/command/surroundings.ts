import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { environmentSchema } from '../../outside/process/argv.ts'

/** Where and how long a command runs, in every family. */
export const surroundings = {
  cwd: z.string().min(1).optional().describe("Where it runs; relative to the manifest. The manifest's folder when absent."),
  env: environmentSchema,
  timeout: durationSchema.optional().describe('How long one run may take; the time of its step when absent, and never longer.'),
}
