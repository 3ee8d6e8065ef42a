import type { IssuerTraits } from '../kit/index.ts'

type Shape = NonNullable<IssuerTraits['shapes']>[string]

/** What a value has to be like and is not, in words that show nothing of it; undefined when it is like that. Pure. */
export function misshapen({ prefix, min, max, pattern }: Shape, text: string): string | undefined {
  if (prefix !== undefined && !text.startsWith(prefix)) return `begins with \`${prefix}\``
  const length = [...text].length
  if ((min !== undefined && length < min) || (max !== undefined && length > max)) return min === max ? `has ${min} characters` : `has ${min} to ${max} characters`
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(text)) return `is like \`${pattern}\``
  return undefined
}
