import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { urlSchema } from '../../outside/http/url.ts'
import { argvSchema, environmentSchema } from '../../outside/process/argv.ts'

const instance = z.strictObject({
  name: z.string().min(1).describe('What it is called over restarts.'),
  pidFile: z.string().min(1).describe('The file that holds its process id; relative to the manifest.'),
  ready: urlSchema.optional().describe('Answers 200 when it is ready; without it a process that runs is taken for ready.'),
})

/** What stands in a consumer with `use: process`. */
export const consumerSchema = z.strictObject({
  name: z.string().min(1).optional().describe('What plans and messages call it; the names of the instances when absent.'),
  instances: z
    .array(instance)
    .min(1)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'names of instances must differ')
    .describe('Its processes, in the order in which they are reloaded.'),
  reload: z
    .union([
      z.strictObject({
        signal: z
          .enum(['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'])
          .describe('Sent to each process, which then reads its configuration again.'),
      }),
      z.strictObject({
        restart: argvSchema.describe('A command that replaces one process; `{name}` is its name. No shell reads it.'),
        env: environmentSchema,
      }),
    ])
    .describe('How an instance is made to read the stores again.'),
  readyWithin: durationSchema.default('30s').describe('How long an instance may take to be ready again.'),
  takes: durationSchema.default('1s').describe('An estimate of one reload of one instance, until there are measurements.'),
})

export type ConsumerConfig = z.infer<typeof consumerSchema>

export default describeConnector({
  id: 'process',
  title: 'Process',
  summary: 'Reloads processes that write a pid file, by a signal or a restart, one after the other.',
  links: ['https://man7.org/linux/man-pages/man5/proc.5.html', 'https://man7.org/linux/man-pages/man7/signal.7.html'],
  families: { consumer: consumerSchema },
})
