import { z } from 'zod'
import type { Call, Host } from '../../kit/call.ts'
import { Secret } from '../../kit/secret.ts'

/** A URL, `user@host:path`, or the absolute path of a repository; nothing that git could take for an option, and no password. */
const ADDRESS = /^(?!-)(?:https?:\/\/(?![^/]*@)[^\s]+|ssh:\/\/(?:[^\s:@/]+@)?[^\s@]+|[\w.-]+@[\w.-]+:[^\s]+|file:\/\/\/[^\s]+|\/[^\s]+)$/

/** A branch as git names it, without what `git check-ref-format` refuses. https://git-scm.com/docs/git-check-ref-format */
const BRANCH = /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)))[\w./@+-]*[\w@+-]$/

const branchSchema = z.string().max(200).regex(BRANCH, 'the name of a branch')

/** One file on one branch of a repository, and how it is written. */
export const remoteSchema = z.strictObject({
  remote: z
    .string()
    .refine((text) => !text.includes('${'), 'no reference: the address has no password in it')
    .regex(ADDRESS, 'an https or ssh address without a password, `git@host:path`, or an absolute path')
    .describe('The repository: `https://github.com/acme/clusters.git`, `git@github.com:acme/clusters.git`. git logs in as it does for you: credential helpers, ssh keys and agent.'),
  branch: branchSchema.default('main').describe('The branch that is read and written.'),
  file: z
    .string()
    .regex(/^(?!\/)(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\0\n]+$/, 'a path from the root of the repository')
    .describe('The file, from the root of the repository.'),
  propose: branchSchema
    .optional()
    .describe('For teams who merge by pull request: a branch of keyturn\'s own, to which the change is pushed instead. keyturn then asks a person to merge it.'),
  message: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => !/\p{C}/u.test(text) && !text.includes('${'), 'one line, no references')
    .optional()
    .describe('The subject of the commit.'),
  author: z
    .strictObject({
      name: z.string().regex(/^[^<>\n\0]+$/, 'a name').describe('Its name.'),
      email: z.string().regex(/^[^<>\s\0]+$/, 'an address').describe('Its address.'),
    })
    .optional()
    .describe('Who the commits are by; `keyturn <keyturn@localhost>` when absent.'),
  user: z.string().regex(/^[^:\s]+$/, 'a user name').optional().describe('With `token`: the user name that belongs to it; `git` when absent.'),
  token: z.string().min(1).meta({ reference: true }).optional().describe('A reference to a token for an https remote; how git logs in for you when absent.'),
})

export type RemoteConfig = z.infer<typeof remoteSchema>

/** What git is told of the remote: where it is, and what shows it who asks. */
export interface Remote {
  readonly url: string
  readonly branch: string
  /** The value of the header `Authorization`; absent where git logs in by itself. */
  readonly authorization?: Secret
}

/** Resolves the token at this moment. Throws as `Host.resolve` does. */
export async function resolveRemote(config: RemoteConfig, host: Pick<Host, 'resolve'>, call: Pick<Call, 'signal' | 'deadline'>): Promise<Remote> {
  const { remote: url, branch, token, user = 'git' } = config
  if (token === undefined) return { url, branch }
  const value = await host.resolve(token, call)
  return { url, branch, authorization: new Secret(`Basic ${Buffer.from(`${user}:${value.reveal()}`).toString('base64')}`) }
}

/** The remote's name for messages and keys: host and path, without user, scheme and `.git`. Pure. */
export function remoteName(url: string): string {
  const short = URL.canParse(url) ? `${new URL(url).host}${new URL(url).pathname}` : url.replace(/^[^@/]*@([^:/]+):\/?/, '$1/')
  return short.replace(/\/+$/, '').replace(/\.git$/, '')
}
