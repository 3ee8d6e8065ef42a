import { startFront } from '../../../src/connectors/vault/fake.ts'
import { answerAs, newKnowledge } from '../../../src/connectors/vault/provider.ts'
import { asker, textOf } from './ask.ts'
import { forwardTo } from './forward.ts'
import type { Server } from './server.ts'
import { fresh, type Vault } from './worlds.ts'

/** The real one, behind a front that can fail. */
export async function reachReal(server: Server): Promise<Vault> {
  const front = await startFront(forwardTo(server.url))
  return {
    front, url: server.url, root: server.root, seal: server.seal, unseal: server.unseal,
    limited: async (path, capabilities) => {
      const name = fresh('limited')
      const all = '"create", "read", "update", "patch", "delete", "list", "sudo"'
      const here = capabilities.length === 0 ? '"deny"' : capabilities.map((one) => `"${one}"`).join(', ')
      await server.ask('PUT', `sys/policies/acl/${name}`, { policy: `path "*" { capabilities = [${all}] }\npath "${path}" { capabilities = [${here}] }` })
      return textOf(await server.ask('POST', 'auth/token/create-orphan', { policies: [name] }), 'auth', 'client_token')
    },
    close: front.close,
  }
}

/** A pretended one in this process, and its front. */
export async function reachFake(): Promise<Vault> {
  const knows = newKnowledge()
  const [front, direct] = [await startFront(answerAs(knows)), await startFront(answerAs(knows))]
  return {
    front, url: direct.url, root: knows.root,
    seal: () => { knows.sealed = true },
    unseal: () => { knows.sealed = false },
    limited: async (path, capabilities) => {
      knows.limits.set(path, capabilities)
      return textOf(await asker(direct.url, knows.root)('POST', 'auth/token/create-orphan', { display_name: 'limited' }), 'auth', 'client_token')
    },
    close: async () => {
      await front.close()
      await direct.close()
    },
  }
}
