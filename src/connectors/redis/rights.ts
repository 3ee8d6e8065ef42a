import { type Answer, refused } from '../../kit/index.ts'
import { ServerRefusal } from './failure.ts'
import type { OpenNode } from './nodes.ts'
import type { Principal } from './principal.ts'
import type { Command } from './session.ts'

/** What keyturn asks of a node as the admin, without effect here: ACL DRYRUN only looks whether the admin may. */
function needed(principal: Principal): readonly Command[] {
  return [
    ['ACL', 'LIST'], ['ACL', 'SETUSER', principal.original], ['ACL', 'DELUSER', principal.original], ['ACL', 'SAVE'],
    ['CONFIG', 'GET', 'aclfile'], ['CONFIG', 'REWRITE'], ['INFO', 'server'], ['CLUSTER', 'INFO'], ['TIME'], ['CLIENT', 'LIST'], ['MULTI'], ['EXEC'],
    ...(principal.strategy === 'in-place' ? [['CONFIG', 'SET', 'masterauth', 'x']] : [['CLIENT', 'KILL', 'USER', principal.original]]),
  ]
}

/**
 * RIGHTS_MISSING with every right that the admin lacks at this node, as one would grant it; undefined when all are there. A server
 * without ACL DRYRUN (before 7.0) denies the command itself when it comes to that.
 * https://redis.io/docs/latest/commands/acl-dryrun/
 */
export async function missingRights(node: OpenNode, principal: Principal): Promise<Answer<never> | undefined> {
  const asked = needed(principal)
  const answers = await Promise.all(asked.map((command) => node.ask(['ACL', 'DRYRUN', node.target.user, ...command]).catch((thrown: unknown) => {
    if (thrown instanceof ServerRefusal) return thrown
    throw thrown
  })))
  const denial = answers.find((answer) => answer instanceof ServerRefusal)
  if (denial?.word === 'NOPERM') return refused('RIGHTS_MISSING', `${node.target.user} lacks +acl|dryrun at ${node.name}, by which keyturn sees what else it lacks`)
  if (denial !== undefined) return undefined
  const missing = asked.filter((_, at) => answers[at] !== 'OK').map(rightOf)
  return missing.length === 0 ? undefined : refused('RIGHTS_MISSING', `${node.target.user} lacks ${missing.join(', ')} at ${node.name}`)
}

/** Commands with subcommands are granted one by one: `+config|set`. */
function rightOf([command = '', subcommand]: Command): string {
  const whole = command === 'TIME' || command === 'INFO' || subcommand === undefined
  return `+${(whole ? command : `${command}|${subcommand}`).toLowerCase()}`
}
