import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'

/** What may stand in `${env:...}`. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z_][\w.-]*$/, 'the name of an environment variable, such as `${env:PG_ADMIN_URL}`')
  .describe('`${env:NAME}` is the environment variable NAME of the process that runs keyturn.')

export default describeConnector({
  id: 'env',
  title: 'Environment variable',
  summary: 'Brings in a value from the environment that keyturn was started with.',
  links: ['https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html'],
  families: { reference: nameSchema },
})
