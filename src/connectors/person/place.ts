import { lineSchema } from '../../kit/task.ts'
import { urlSchema } from '../../outside/http/index.ts'

/** Where a person does something: a URL as people write it, or a text. */
export const atSchema = lineSchema().refine(
  (text) => !/^https?:/i.test(text) || urlSchema.safeParse(text).success,
  'a URL without user and password, or a text',
)

/** ` at PLACE`; nothing where there is none. */
export function atPlace(at: string | undefined): string {
  return at === undefined ? '' : ` at ${at}`
}

/** How steps begin that the manifest does not write. */
export function goTo(at: string | undefined): readonly string[] {
  return at === undefined ? [] : [/^https?:/i.test(at) ? `Open ${at}.` : `Go to ${at}.`]
}
