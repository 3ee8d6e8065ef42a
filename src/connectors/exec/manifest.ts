import { z } from 'zod'
import { describeConnector } from '../../kit/connector.ts'
import { wordsOf } from './words.ts'

/** What may stand in `${exec:...}`. */
export const nameSchema = z
  .string()
  .check((context) => {
    const words = wordsOf(context.value)
    if ('write' in words) context.issues.push({ code: 'custom', input: context.value, message: words.write })
  })
  .describe('`${exec:PROGRAM ARGUMENT...}` is what the program prints, without its last newline. No shell reads it.')

export default describeConnector({
  id: 'exec',
  title: 'Output of a command',
  summary: 'Brings in what a command prints, such as a password manager.',
  links: ['https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02', 'https://www.passwordstore.org'],
  families: { reference: nameSchema },
})
