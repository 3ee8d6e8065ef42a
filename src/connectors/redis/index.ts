import { ALNUM, generate } from '../../kit/generate.ts'
import { type Answer, type Call, done, type Host, type Issuer, refused, resourceKey, Secret } from '../../kit/index.ts'
import { bring } from './end.ts'
import { failure } from './failure.ts'
import type { IssuerConfig } from './manifest.ts'
import { mint, SLOTS } from './mint.ts'
import { findNodes, onNodes, type OpenNode } from './nodes.ts'
import { observe } from './observe.ts'
import { lookAhead } from './preflight.ts'
import { principalOf } from './principal.ts'
import { probeAt, proveProbe } from './probe.ts'

/**
 * The issuer of one Redis user, or of a pair of them, on one node or many. It holds no connection between calls.
 * Facts: the pages that manifest.ts links.
 */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  const principal = principalOf(config)
  const endpoints = config.nodes?.map((node) => node.name) ?? ['primary']
  const persist = config.persist === 'always'

  async function withNodes<T>(call: Call, lost: 'refused' | 'unknown', body: (open: readonly OpenNode[]) => Promise<Answer<T>>): Promise<Answer<T>> {
    try {
      return await onNodes(await findNodes(config, host, call), call, lost, body)
    } catch (thrown) {
      return failure(thrown, call, lost)
    }
  }

  const probe: Issuer['probe'] = async (credential, endpoint, call) => {
    try {
      const node = (await findNodes(config, host, call)).find(({ name }) => name === endpoint)
      return node === undefined ? refused('USAGE', `there is no endpoint ${endpoint}`) : await probeAt(node, credential, call)
    } catch (thrown) {
      return failure(thrown, call, 'unknown')
    }
  }

  return {
    traits: {
      value: 'chosen', acceptor: 'issuer', locate: 'value', fields: { user: 'plain', password: 'secret' }, settle: 2000,
      ...{
        alternate: { mint: 'adds', slots: 2, ends: ['off', 'gone'] } as const,
        overlap: { mint: 'adds', slots: SLOTS, ends: ['gone'] } as const,
        'in-place': { mint: 'replaces', slots: 1, ends: [] } as const,
      }[principal.strategy],
    },
    identity: () => resourceKey('principal', 'redis', serverOf(config), config.user),
    endpoints: () => endpoints,
    idOf: (fields) => principal.idOf(fields),
    propose(current) {
      const [user, password] = [principal.userAfter(current.id), new Secret(generate(ALNUM, config.length))]
      host.conceal(password)
      const fields = { user: new Secret(user), password }
      return { id: principal.idOf(fields) ?? user, fields }
    },
    async preflight(current, next, call) {
      const ahead = await withNodes(call, 'unknown', (open) => lookAhead(open, principal, persist, current.id, next))
      if (ahead.is !== 'done') return ahead
      try {
        return (await proveProbe(current, await findNodes(config, host, call), call)) ?? ahead
      } catch (thrown) {
        return failure(thrown, call, 'unknown')
      }
    },
    observe: (call) => withNodes(call, 'unknown', (open) => observe(open, principal)),
    async mint(intent, call) {
      const accepted = async (): Promise<boolean> => {
        for (const endpoint of endpoints) {
          const verdict = await probe(intent.credential, endpoint, call)
          if (verdict.is === 'done' && verdict.value.verdict === 'accepted') return true
        }
        return false
      }
      const minted = await withNodes(call, 'refused', (open) => mint(open, { principal, persist, accepted }, intent, call))
      return minted.is === 'done' ? done({ credential: intent.credential, evidence: minted.value.evidence }) : minted
    },
    probe,
    set: (id, state, call) => withNodes(call, 'refused', (open) => bring(open, principal, persist, id, state, call)),
    // Each call ends its own connections.
    close: async () => undefined,
  }
}

/** The server as far as the manifest itself names it; the reference where that is all there is. */
function serverOf(config: IssuerConfig): string {
  const [first] = config.nodes ?? []
  if (first !== undefined) return `${first.host}:${first.port}`
  const url = URL.parse(config.admin.replaceAll(/\$\{[^}]*\}/g, 'x'))
  return url === null || url.host === '' ? config.admin : `${url.hostname}:${url.port === '' ? '6379' : url.port}`
}
