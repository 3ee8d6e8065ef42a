import { inspect } from 'node:util'
import type { Answer } from '../kit/answer.ts'
import type { Credential, Issuer, Verdict } from '../kit/issuer.ts'
import type { Secret } from '../kit/secret.ts'
import type { Fault } from './faults.ts'
import { attendedIssuer, type IssuerPerson } from './attended.ts'
import { intentOf, mintWhole, verdictEverywhere } from './issuer-acts.ts'
import { overheard, secretsOf } from './overheard.ts'
import type { Runner } from './runner.ts'

/** One principal at one outside, made afresh for each test. */
export interface IssuerWorld {
  /** Opens the connector on it, as another process would. */
  open(): Issuer
  /** The credential that is in use. */
  readonly current: Credential
  /** Credentials of other principals at the same outside; whatever is done to ours, they stay accepted. */
  readonly siblings: readonly Credential[]
  /** Uses a credential as a consumer does: a session that stays open, or a client that asks again whenever `alive` is called. */
  use(credential: Credential): Promise<{ alive(): Promise<boolean>; close(): Promise<void> }>
  /** Does what is asked; there exactly when the traits say that something is. */
  readonly person?: IssuerPerson
  /** The next effect meets this fault. Absent only for a connector that has no outside. */
  inject?(fault: Fault): Promise<void>
  close(): Promise<void>
}

/** What a law of an issuer is written with. */
export interface IssuerLaws {
  /** A test with a world of its own; everything that its issuers answered is searched for the values afterwards. */
  law(title: string, body: (world: IssuerWorld, issuer: Issuer, open: () => Issuer) => Promise<void>): void
  /** What the acceptor says about a credential, where it is the issuer that accepts. */
  expectVerdict(issuer: Issuer, credential: Credential, wanted: Verdict['verdict']): Promise<void>
  /** Mints the next one, and waits for it where the provider takes its time. */
  mintNext(world: IssuerWorld, issuer: Issuer, tag?: string): Promise<Credential>
  /** The credential of an answer that has to be done. */
  minted(answer: Answer<Credential>, otherwise: Credential): Credential
}

/** Binds laws to a test runner and to worlds. */
export function lawsOf({ it, expect }: Pick<Runner, 'it' | 'expect'>, make: () => Promise<IssuerWorld>): IssuerLaws {
  function law(title: string, body: (world: IssuerWorld, issuer: Issuer, open: () => Issuer) => Promise<void>): void {
    it(title, async () => {
      const world = await make()
      const said: string[] = []
      const values: Secret[] = secretsOf(world.open(), world.current)
      const opened: Issuer[] = []
      const open = (): Issuer => {
        const issuer = attendedIssuer(overheard(world.open(), said, values), world.person, values)
        opened.push(issuer)
        return issuer
      }
      try {
        const issuer = open()
        await body(world, issuer, open)
        const heard = said.join('\n')
        for (const value of values) expect(heard.includes(value.reveal()), 'a value was shown').toBe(false)
      } finally {
        for (const one of opened) await one.close()
        await world.close()
      }
    })
  }

  async function expectVerdict(issuer: Issuer, credential: Credential, wanted: Verdict['verdict']): Promise<void> {
    if (issuer.traits.acceptor === 'issuer') expect(await verdictEverywhere(issuer, credential)).toBe(wanted)
  }

  async function mintNext(world: IssuerWorld, issuer: Issuer, tag = 'attempt-1'): Promise<Credential> {
    return minted(await mintWhole(issuer, intentOf(issuer, world.current, tag)), world.current)
  }

  function minted(answer: Answer<Credential>, otherwise: Credential): Credential {
    expect(answer.is, inspect(answer)).toBe('done')
    return answer.is === 'done' ? answer.value : otherwise
  }

  return { law, expectVerdict, mintNext, minted }
}
