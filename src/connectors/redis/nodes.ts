import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Answer, type Call, type Host, KeyturnError } from '../../kit/index.ts'
import { failure, loginFailure } from './failure.ts'
import type { IssuerConfig } from './manifest.ts'
import { login, type Session } from './session.ts'
import { readUrl, type Target } from './target.ts'

/** A node and where the admin logs in at it. */
export interface Node {
  readonly name: string
  readonly target: Target
}

/** A node with a connection of the admin. */
export interface OpenNode extends Node, Session {}

/** All nodes, by the admin's URL as it resolves now: the reference may give another password tomorrow. Throws a KeyturnError. */
export async function findNodes(config: Pick<IssuerConfig, 'admin' | 'nodes' | 'ca'>, host: Host, call: Call): Promise<readonly Node[]> {
  const read = readUrl(await host.resolve(config.admin, call))
  const admin = config.ca === undefined ? read : { ...read, ca: await readAuthorities(resolve(host.base, config.ca)) }
  host.conceal(admin.password)
  return config.nodes?.map((node) => ({ name: node.name, target: { ...admin, host: node.host, port: node.port } })) ?? [{ name: 'primary', target: admin }]
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new KeyturnError('STORE_MISSING', `the file that \`ca\` names cannot be read: ${path}`, { cause })
  }
}

/**
 * Runs the body with a connection to every node, and ends them. Nothing is asked of any before all are there: one that cannot be
 * reached stops the whole. `lost`: see {@link failure}; a body that may have had an effect answers for it itself.
 */
export async function onNodes<T>(nodes: readonly Node[], call: Call, lost: 'refused' | 'unknown', body: (open: readonly OpenNode[]) => Promise<Answer<T>>): Promise<Answer<T>> {
  const opened: OpenNode[] = []
  try {
    for (const node of nodes) {
      try {
        opened.push({ ...node, ...(await login(node.target, call)) })
      } catch (thrown) {
        return thrown instanceof KeyturnError ? failure(thrown, call, lost) : loginFailure(thrown, call, lost, node.target)
      }
    }
    return await body(opened)
  } catch (thrown) {
    return failure(thrown, call, lost)
  } finally {
    for (const node of opened) node.close()
  }
}
