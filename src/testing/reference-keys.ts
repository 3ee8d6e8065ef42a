import { createHash } from 'node:crypto'
import { ALNUM, generate } from '../kit/generate.ts'
import type { ReferenceTraits } from './reference-traits.ts'

const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** A key as the reference issuer keeps it. */
export interface ReferenceKey {
  readonly id: string
  /** The principal that it belongs to. */
  readonly owner: string
  readonly value: string
  readonly tag?: string
  state: 'on' | 'off'
  /** Unix ms; absent when nobody has used it. */
  lastUsed?: number
  /** How many more lists leave it out. */
  hidden: number
}

/** What minting brought: a key, or nothing because every slot is taken. */
export type Minted = ReferenceKey | 'full'

/** The keys of a reference issuer, without any protocol around them. */
export class ReferenceKeys {
  readonly #traits: ReferenceTraits
  #keys: ReferenceKey[] = []
  /** Rotations that were triggered, by tag: how often they were asked for, and what came of them. */
  readonly #rotations = new Map<string, { asked: number; minted?: ReferenceKey }>()
  /** Whether tags of new keys are forgotten. */
  untagged = false
  /** How many lists leave the next key out. */
  lag = 0
  /** How often a triggered rotation is asked for before it is finished. */
  patience = 1

  constructor(traits: ReferenceTraits) {
    this.#traits = traits
  }

  /** All of an owner, the hidden ones too. */
  of(owner: string): readonly ReferenceKey[] {
    return this.#keys.filter((key) => key.owner === owner)
  }

  /** What a list shows; a hidden key comes nearer to being shown. */
  list(): readonly ReferenceKey[] {
    const shown = this.#keys.filter((key) => key.hidden === 0)
    for (const key of this.#keys) key.hidden = Math.max(0, key.hidden - 1)
    return shown
  }

  find(owner: string, id: string): ReferenceKey | undefined {
    return this.#keys.find((key) => key.owner === owner && key.id === id)
  }

  /** Which key has this value and is on. */
  accepts(value: string): ReferenceKey | undefined {
    return this.#keys.find((key) => key.state === 'on' && key.value === value)
  }

  /** Makes a key, with the given value or one of its own. One that is there already is that one. */
  mint(owner: string, tag: string | undefined, chosen?: string): Minted {
    if (this.#traits.mint === 'replaces') return this.#replace(owner, tag, chosen)
    const id = chosen === undefined ? generate(ID_ALPHABET, 12) : createHash('sha256').update(chosen).digest('hex')
    const there = this.find(owner, id)
    if (there !== undefined) {
      there.state = 'on'
      return there
    }
    if (this.of(owner).length >= this.#traits.slots) return 'full'
    return this.#keep({ id, owner, value: chosen ?? `ref_${id}_${generate(ALNUM, 40)}` }, tag)
  }

  /** Starts a rotation; one of this tag that was started before is that one. */
  rotate(owner: string, tag: string): 'started' | 'full' {
    if (this.#rotations.has(tag)) return 'started'
    if (this.#traits.slots > 1 && this.of(owner).length >= this.#traits.slots) return 'full'
    this.#rotations.set(tag, { asked: 0 })
    return 'started'
  }

  /** What a rotation brought: a key when it is finished. With one slot the key before it ends then. */
  collect(owner: string, tag: string): ReferenceKey | 'pending' | 'unknown' {
    const rotation = this.#rotations.get(tag)
    if (rotation === undefined) return 'unknown'
    rotation.asked += 1
    if (rotation.minted === undefined && rotation.asked > this.patience) {
      if (this.#traits.slots === 1) this.#keys = this.#keys.filter((key) => key.owner !== owner)
      const id = generate(ID_ALPHABET, 12)
      rotation.minted = this.#keep({ id, owner, value: `ref_${id}_${generate(ALNUM, 40)}` }, tag)
    }
    return rotation.minted ?? 'pending'
  }

  /** Takes a key away. */
  remove(owner: string, id: string): void {
    this.#keys = this.#keys.filter((key) => key.owner !== owner || key.id !== id)
  }

  /** Takes up every slot that is left with keys of strangers. */
  fill(owner: string): void {
    while (this.of(owner).length < this.#traits.slots) {
      this.#keep({ id: generate(ID_ALPHABET, 12), owner, value: generate(ALNUM, 40) }, undefined)
    }
  }

  #replace(owner: string, tag: string | undefined, chosen: string | undefined): ReferenceKey {
    this.#keys = this.#keys.filter((key) => key.owner !== owner)
    return this.#keep({ id: owner, owner, value: chosen ?? generate(ALNUM, 40) }, tag)
  }

  #keep(key: Pick<ReferenceKey, 'id' | 'owner' | 'value'>, tag: string | undefined): ReferenceKey {
    const kept: ReferenceKey = { ...key, state: 'on', hidden: this.lag, ...(tag === undefined || this.untagged ? {} : { tag }) }
    this.lag = 0
    this.#keys.push(kept)
    return kept
  }
}
