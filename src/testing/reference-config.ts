import { REFERENCE_ADMIN, type ReferenceIssuer } from './reference-issuer.ts'
import type { ReferenceTraits } from './reference-traits.ts'

/** The strategies that a way of minting can carry out, the gentlest first. */
const STRATEGY = { adds: 'overlap', replaces: 'in-place', triggers: 'provider-managed' } as const

/**
 * The block under `issuer:` that describes the reference issuer to `use: webhook`, as plain data. Its credentials have one field,
 * `token`. The process that uses it needs {@link ReferenceIssuer.env} in its environment.
 */
export function referenceConfig(
  server: Pick<ReferenceIssuer, 'url' | 'principal'>,
  traits: ReferenceTraits,
  more: { readonly strategy?: 'in-place' | 'hard-cut'; readonly settle?: string; readonly recent?: string } = {},
): Record<string, unknown> {
  const { value, mint, locate, slots, ends } = traits
  const owner = `${server.url}/owners/atlas`
  const answer = { ...(mint === 'replaces' ? {} : { id: 'key.id' }), fields: { token: 'key.token' } }
  const made = value === 'made' && mint !== 'triggers'
  // One that has no way to find a lost credential and ends none has nothing to list for.
  const lists = locate !== 'none' || ends.length > 0
  return {
    use: 'webhook',
    principal: server.principal,
    strategy: more.strategy ?? STRATEGY[mint],
    fields: { token: 'secret' },
    ...(mint === 'replaces' ? {} : { id: { field: 'token', ...(value === 'chosen' ? { sha256: true } : { matches: '^ref_([a-z0-9]+)_' }) } }),
    traits: { value, mint, locate, slots, settle: more.settle ?? '200ms' },
    auth: { Authorization: `Bearer \${env:${REFERENCE_ADMIN}}` },
    refusals: [{ status: 409, json: { error: 'slots_full' }, code: 'SLOTS_FULL' }],
    mint: {
      url: mint === 'triggers' ? `${owner}/rotations` : `${owner}/keys`,
      json: { tag: '{tag}', ...(value === 'chosen' ? { value: '{token}' } : {}) },
      ...(made ? { answer } : {}),
    },
    ...(mint === 'triggers' ? { collect: { url: `${owner}/rotations/{tag}`, answer } } : {}),
    ...(lists ? { list: listOf(server, traits, more.recent ?? '1s') } : {}),
    ...(ends.includes('off') ? { off: { url: `${owner}/keys/{id}/disable` }, on: { url: `${owner}/keys/{id}/enable` } } : {}),
    ...(ends.includes('gone') ? { gone: { url: `${owner}/keys/{id}` } } : {}),
    probe: { url: `${server.url}/verify`, headers: { Authorization: 'Bearer {token}' } },
  }
}

function listOf({ url }: Pick<ReferenceIssuer, 'url'>, { mint, locate }: ReferenceTraits, recent: string): Record<string, unknown> {
  return {
    url: `${url}/keys`,
    items: 'keys',
    complete: { more: false },
    clock: 'now',
    recent,
    item: {
      ...(mint === 'replaces' ? {} : { id: 'id' }),
      where: { owner: 'atlas' },
      state: { path: 'status', off: ['disabled'] },
      ...(locate === 'tag' ? { tag: 'label' } : {}),
      lastUsed: 'last_used',
    },
  }
}
