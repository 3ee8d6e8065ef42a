import { inspect } from 'node:util'
import { onTestFinished } from 'vitest'
import type { z } from 'zod'
import { openIssuer } from '../../src/connectors/postgres/index.ts'
import { issuerSchema } from '../../src/connectors/postgres/manifest.ts'
import { type Answer, type Credential, type Issuer, Secret, type Verdict } from '../../src/kit/index.ts'
import { callWithin } from '../../src/testing/call.ts'

/** The postgres issuer with this admin, as the engine would open it; closed when the test is over. */
export function issuerAt(adminUrl: string, config: Omit<z.input<typeof issuerSchema>, 'admin'>): Issuer {
  const issuer = openIssuer(issuerSchema.parse({ admin: '${env:PG_ADMIN_URL}', ...config }), {
    base: '/', now: () => Date.now(), resolve: async () => new Secret(adminUrl), conceal() {},
  })
  onTestFinished(() => issuer.close())
  return issuer
}

/** What a done answer holds; throws with any other. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.is !== 'done') throw new Error(inspect(answer))
  return answer.value
}

/** The first half of a rotation: preflight and mint. Answers the credential that is accepted beside the current one. */
export async function accept(issuer: Issuer, current: Credential): Promise<Credential> {
  const next = issuer.propose(current)
  valueOf(await issuer.preflight(current, next.id, callWithin(10_000)))
  return valueOf(await issuer.mint({ credential: next, tag: 'test' }, callWithin(10_000))).credential
}

/** The second half: off, then gone. */
export async function forget(issuer: Issuer, old: Credential): Promise<void> {
  for (const state of ['off', 'gone'] as const) valueOf(await issuer.set(old.id, state, callWithin(10_000)))
}

/** A probe at the first endpoint. */
export async function verdictOf(issuer: Issuer, credential: Credential): Promise<Verdict> {
  return valueOf(await issuer.probe(credential, issuer.endpoints()[0] ?? '', callWithin(10_000)))
}
