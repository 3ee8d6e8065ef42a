import type { Code, Credential, Host, Registry, Sealer } from '../kit/index.ts'
import { KeyturnError } from '../kit/index.ts'
import type { Used } from '../manifest/model.ts'
import type { Plan } from '../plan/plan.ts'
import { ageSealer } from '../sealing/age.ts'
import type { Identity } from '../sealing/identity.ts'
import { type Sealed, seal, sealText, unseal } from '../sealing/seal.ts'
import type { Entry } from '../state/journal.ts'
import { readSealed, secretKey } from '../state/ledger.ts'
import { appendNote } from '../state/note.ts'
import type { State } from '../state/open.ts'
import { openConnector } from './cast.ts'
import type { Keeper } from './snapshot.ts'

interface Opened {
  readonly state: State
  readonly identity: Identity
  readonly sealers: readonly [Sealer, ...Sealer[]]
}

/** The credentials of one rotation: sealed in the state, open only in this process's memory. Its snapshot is sealed beside them. */
export class Values implements Keeper {
  new?: Credential
  old?: Credential
  /** What an emergency inherited from the rotation before it, by the names of its plan. */
  readonly inherited = new Map<string, Credential>()
  readonly #state: State
  readonly #identity: Identity
  /** The first one seals; whichever sealed a row opens it. */
  readonly #sealers: readonly [Sealer, ...Sealer[]]
  readonly #rotation: string
  readonly #secret: string
  readonly #host: Host
  #isKept = false
  /** A credential never changes, and its fingerprint is asked for at every event. */
  readonly #prints = new WeakMap<Credential, string>()

  private constructor({ state, identity, sealers }: Opened, rotation: string, secret: string, host: Host) {
    this.#state = state
    this.#identity = identity
    this.#sealers = sealers
    this.#rotation = rotation
    this.#secret = secret
    this.#host = host
  }

  /** Opens what is sealed by now. Throws IDENTITY_MISSING without an identity, SEAL_BROKEN on a changed row, and what keeps a sealer from opening it. */
  static async open({ state, registry }: { readonly state: State; readonly registry: Registry }, rotation: string, plan: Plan, host: Host): Promise<Values> {
    const { identity } = state
    if (identity === undefined) throw new KeyturnError('IDENTITY_MISSING')
    const values = new Values({ state, identity, sealers: await openSealers(identity, plan.sealing, registry, host) }, rotation, secretKey(plan.system, plan.environment, plan.secret), host)
    for (const name of ['new', 'old'] as const) {
      const found = await values.#read(name)
      if (found !== undefined) values.#set(name, found)
    }
    for (const { name } of plan.emergency?.inherits ?? []) {
      const found = name === undefined ? undefined : await values.#read(name)
      if (name === undefined || found === undefined) continue
      values.#conceal(found)
      values.inherited.set(name, found)
    }
    return values
  }

  async #read(name: string): Promise<Credential | undefined> {
    const sealed = await readSealed(this.#state.db, this.#rotation, name)
    return sealed === undefined ? undefined : unseal(sealed, { rotation: this.#rotation, name, secret: this.#secret }, ...this.#sealers)
  }

  /** Seals a credential; it counts as known once the row is on disk, so {@link Values.adopt} it after the append. */
  seal(name: string, credential: Credential): Promise<Sealed> {
    this.#conceal(credential)
    return seal(credential, { rotation: this.#rotation, name, secret: this.#secret }, this.#sealers[0])
  }

  /** The same, refused with what keeps the sealer from it. */
  async trySeal(name: 'new' | 'old', credential: Credential): Promise<{ readonly is: 'done'; readonly value: Sealed } | { readonly is: 'refused'; readonly code: Code; readonly about: string }> {
    try {
      return { is: 'done', value: await this.seal(name, credential) }
    } catch (thrown) {
      if (!(thrown instanceof KeyturnError)) throw thrown
      return { is: 'refused', code: thrown.code, about: thrown.about }
    }
  }

  /** Takes over a credential whose sealed row is on disk. */
  adopt(name: 'new' | 'old', credential: Credential): void {
    this.#set(name, credential)
  }

  async isKept(): Promise<boolean> {
    this.#isKept ||= (await readSealed(this.#state.db, this.#rotation, 'snapshot')) !== undefined
    return this.#isKept
  }

  async keep(text: string, note: Entry): Promise<void> {
    const { db } = this.#state
    const sealed = await sealText(text, { rotation: this.#rotation, name: 'snapshot', secret: this.#secret }, this.#sealers[0])
    const row = { rotation: this.#rotation, name: 'snapshot', ...sealed }
    await appendNote(this.#state, note, [], [{ query: db.insertInto('sealed').values(row).onConflict((oc) => oc.doNothing()).compile() }])
    this.#isKept = true
  }

  /** Keyed fingerprint over the secret fields: the same for the same value of the same secret in this state. */
  fingerprint(credential: Credential, plain: ReadonlySet<string>): string {
    const print = this.#prints.get(credential) ?? fingerprintOf(this.#identity, this.#secret, credential, plain)
    this.#prints.set(credential, print)
    return print
  }

  #set(name: 'new' | 'old', credential: Credential): void {
    this.#conceal(credential)
    this[name] = credential
  }

  #conceal(credential: Credential): void {
    for (const value of Object.values(credential.fields)) if (value.reveal() !== credential.id) this.#host.conceal(value)
  }
}

/** What seals, and what opens: the sealer that is named, and the identity by itself, which may have sealed what is there. */
export async function openSealers(identity: Identity, named: Used | undefined, registry: Registry, host: Host): Promise<readonly [Sealer, ...Sealer[]]> {
  const age = ageSealer(identity)
  return named === undefined ? [age] : [await openConnector(registry, host, 'sealer', named), age]
}

/** Keyed fingerprint of the fields that are secret. */
export function fingerprintOf(identity: Identity, secret: string, credential: Credential, plain: ReadonlySet<string>): string {
  const values = Object.entries(credential.fields).filter(([name]) => !plain.has(name)).sort(([a], [b]) => (a < b ? -1 : 1))
  return identity.fingerprint(secret, JSON.stringify(values.map(([name, value]) => [name, value.reveal()])))
}

/** The names of the fields that are secret, in their order. */
export function secretFields(fields: Readonly<Record<string, 'secret' | 'plain'>>): readonly string[] {
  return Object.keys(fields).filter((name) => fields[name] === 'secret')
}

/** The names of the fields that are no secret. */
export function plainFields(fields: Readonly<Record<string, 'secret' | 'plain'>>): ReadonlySet<string> {
  return new Set(Object.entries(fields).filter(([, kind]) => kind === 'plain').map(([name]) => name))
}
