import { z } from 'zod'
import { durationSchema } from '../../kit/duration.ts'
import { describeConnector } from '../../kit/index.ts'
import { argvSchema, environmentSchema } from '../../outside/process/argv.ts'

const composeSchema = z.strictObject({
  project: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, 'small letters, digits, `-` and `_`').describe('The project, as `docker compose ls` shows it.'),
  service: z.string().regex(/^[A-Za-z0-9._-]+$/, 'the name of a service').describe('The service.'),
  folder: z.string().min(1).default('.').describe('The folder of the project; relative to the manifest.'),
  files: z.array(z.string().min(1)).min(1).optional().describe('Its compose files, relative to the folder; those that compose finds when absent.'),
  envFile: z.string().min(1).optional().describe('The file for variables in the compose file, relative to the folder; `.env` of the folder when absent.'),
  scale: z.int().min(1).max(1_000).default(1).describe('How many instances there are, and again have to be.'),
  command: argvSchema.optional().describe('How compose is started; when absent `docker compose` or `docker-compose`, whichever is there and made the containers.'),
  env: environmentSchema,
})

const containerSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]+$/, 'the name of a container').describe('Its name.'),
  envFile: z.string().min(1).describe('What `docker run --env-file` was given; relative to the manifest. Its entries replace those of the same name.'),
})

/** What stands in a consumer with `use: docker`. */
export const consumerSchema = z
  .strictObject({
    compose: composeSchema.optional().describe('A service of a compose project. This or `container`.'),
    container: containerSchema.optional().describe('A container that `docker run` made. This or `compose`.'),
    socket: z.string().startsWith('/', 'an absolute path').default('/var/run/docker.sock').describe('The Unix socket of the daemon.'),
    reload: z
      .string()
      .refine((how) => how === 'recreate', '`recreate`: a restarted container keeps the environment that it was created with, whatever the env file says now')
      .default('recreate')
      .describe('How an instance is made to read the stores again. Only `recreate` does: a restart keeps the environment.'),
    readyWithin: durationSchema.default('60s').describe('How long an instance may take to be ready again.'),
    steadyFor: durationSchema.default('3s').describe('How long one without a health check has to have run to be taken for ready.'),
    takes: durationSchema.default('10s').describe('An estimate of one reload of one instance, until there are measurements.'),
  })
  .refine(({ compose, container }) => (compose === undefined) !== (container === undefined), 'one of `compose` and `container`')

export type ConsumerConfig = z.infer<typeof consumerSchema>
export type ComposeConfig = z.infer<typeof composeSchema>
export type ContainerConfig = z.infer<typeof containerSchema>

export default describeConnector({
  id: 'docker',
  title: 'Docker',
  summary: 'Recreates the containers of a compose service or a single one, so that they really read their environment again, one after the other, and proves it from inside.',
  links: [
    'https://docs.docker.com/reference/api/engine/',
    'https://docs.docker.com/reference/cli/docker/compose/up/',
    'https://docs.docker.com/compose/how-tos/environment-variables/set-environment-variables/',
  ],
  families: { consumer: consumerSchema },
})
