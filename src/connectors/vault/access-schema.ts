import { z } from 'zod'
import { urlSchema } from '../../outside/http/index.ts'

/** One part of a path, or several with `/` between them, as Vault has them. None leads anywhere else. */
export const pathSchema = z
  .string()
  .regex(/^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\s?#]+$/, 'a path such as `secret/atlas`, without a slash at either end')

/** A name in a path. */
export const nameInPathSchema = z.string().regex(/^(?!\.{1,2}$)[^\s/?#]+$/, 'a name without blanks and slashes')

/** How long something lives, as Vault has it. */
export const lifeSchema = z.string().regex(/^[1-9]\d{0,8}[smhd]$/, 'a duration such as `30m`, `72h`, `30d`')

const login = z.strictObject({
  role_id: z.string().min(1).describe('The role id of an AppRole, or a reference to it; it is no secret by itself.'),
  secret_id: z.string().min(1).meta({ reference: true }).describe('A reference to the secret id: `${env:VAULT_SECRET_ID}`.'),
  mount: pathSchema.default('approle').describe('Where the AppRole method is mounted under `auth/`.'),
})

/** Where Vault is, and what it knows keyturn by; in every family. */
export const accessShape = {
  address: urlSchema
    .refine((text) => URL.canParse(text) && /^\/*$/.test(new URL(text).pathname) && !/[?#]/.test(text), 'scheme, host and port, no path')
    .describe('The address of Vault: `https://vault.internal:8200`.'),
  namespace: pathSchema.optional().describe('The namespace (Vault Enterprise); the root one when absent.'),
  token: z.string().min(1).meta({ reference: true }).optional().describe('A reference to a token: `${env:VAULT_TOKEN}`. Or `login`.'),
  login: login.optional().describe('An AppRole to log in with at each use; the token that it gives is revoked again. Or `token`.'),
}

export interface Access {
  readonly address: string
  readonly namespace?: string | undefined
  readonly token?: string | undefined
  readonly login?: z.infer<typeof login> | undefined
}

/** For a refinement: exactly one way in. */
export function hasOneWay({ token, login: by }: Access): boolean {
  return (token === undefined) !== (by === undefined)
}

export const ONE_WAY = { path: ['token'], error: '`token` or `login`, one of them' }
