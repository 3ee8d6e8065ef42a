import { type Answer, done, refused, Secret } from '../../kit/index.ts'
import { ServerRefusal } from './failure.ts'
import type { OpenNode } from './nodes.ts'
import { infoOf, mapOf } from './reply.ts'
import type { Command } from './session.ts'

/** What a node says of itself that a change has to reckon with. */
export interface Setup {
  /** Path of the ACL file; empty: users stand in the configuration file. */
  readonly aclFile: string
  /** Path of the configuration file; empty: it was started without one. */
  readonly configFile: string
  /** Absent: not set. It may be stale: ACL SETUSER does not change it. */
  readonly requirepass?: Secret
  /** As whom, and with what, it logs in at its primary, now or when it becomes a replica; absent: as nobody. */
  readonly replicates?: { readonly user: string; readonly masterauth: Secret }
}

/** Reads it. https://redis.io/docs/latest/commands/config-get/ */
export async function readSetup(node: OpenNode): Promise<Setup> {
  const config = mapOf(await node.ask(['CONFIG', 'GET', 'aclfile', 'requirepass', 'masteruser', 'masterauth']))
  const value = (name: string): string => config.get(name) ?? ''
  const user = value('masteruser') === '' ? 'default' : value('masteruser')
  const [requirepass, masterauth] = [value('requirepass'), value('masterauth')]
  return {
    aclFile: value('aclfile'), configFile: infoOf(await node.ask(['INFO', 'server'])).get('config_file') ?? '',
    ...(requirepass === '' ? {} : { requirepass: new Secret(requirepass) }),
    ...(masterauth === '' ? {} : { replicates: { user, masterauth: new Secret(masterauth) } }),
  }
}

/**
 * How a change of users, and of settings beside them, is written to disk: ACL SAVE where there is an ACL file, which then alone
 * counts for users, CONFIG REWRITE for the rest.
 */
export function savesOf({ aclFile, configFile }: Setup, settings: boolean): readonly Command[] {
  if (aclFile === '') return [['CONFIG', 'REWRITE']]
  // With an ACL file and no configuration file, a setting cannot be kept, and the users' passwords are.
  return settings && configFile !== '' ? [['ACL', 'SAVE'], ['CONFIG', 'REWRITE']] : [['ACL', 'SAVE']]
}

/** Why nothing that is changed here would be there after a restart; undefined when it would. */
export function whyForgetful(node: Pick<OpenNode, 'name'>, { aclFile, configFile }: Setup): string | undefined {
  if (aclFile !== '' || configFile !== '') return undefined
  return `${node.name} was started without a configuration file and has no ACL file (aclfile): a restart would bring the old password back; give it one of them, or set \`persist: never\``
}

/** Writes what is in force now: whether a change could be kept is known before it is made. Changes nothing else. */
export async function trySaving(node: OpenNode, setup: Setup, settings: boolean): Promise<Answer<void>> {
  const forgetful = whyForgetful(node, setup)
  if (forgetful !== undefined) return refused('PRECONDITION_FAILED', forgetful)
  for (const save of savesOf(setup, settings)) {
    try {
      await node.ask(save)
    } catch (thrown) {
      if (thrown instanceof ServerRefusal && thrown.word === 'ERR') return unsaved(node.name, save)
      throw thrown
    }
  }
  return done(undefined)
}

/** The server could not write the file that keeps its users. */
export function unsaved(node: string, save: Command): Answer<never> {
  const file = save[0] === 'ACL' ? 'its ACL file' : 'its configuration file'
  return refused('STORE_DENIED', `${node} cannot write ${file} (${save.join(' ')}): let the user that runs Redis write it and its folder; its log says why`)
}
