import { z } from 'zod'

/** `{name}` may stand in the host too, where a URL has no braces. */
function parsed(text: string): URL | undefined {
  const filled = text.replaceAll('{name}', 'name')
  return URL.canParse(filled) ? new URL(filled) : undefined
}

/** A URL as people write it. References are refused, and user and password too: everybody logs URLs (I11). */
export const urlSchema = z
  .string()
  .refine((text) => !text.includes('${'), 'no references: everybody logs URLs; put a secret in a header')
  .refine((text) => /^https?:$/.test(parsed(text)?.protocol ?? ''), 'a URL with http:// or https://')
  .refine((text) => `${parsed(text)?.username ?? ''}${parsed(text)?.password ?? ''}` === '', 'no user and password in a URL')
