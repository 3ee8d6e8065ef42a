import type { Answer } from '../../kit/answer.ts'
import type { Known, Verdict } from '../../kit/issuer.ts'
import type { Ms } from '../../kit/call.ts'
import type { Secret } from '../../kit/secret.ts'
import type { Door, Time } from './api.ts'
import type { Needs } from './rights.ts'

/** What was made: Vault shows the value this once, and knows it by its accessor from then on. */
export interface Made {
  readonly accessor: string
  readonly secret: Secret
}

/** All that are there, with the server's clock. */
export interface Listed {
  readonly known: readonly Known[]
  /** Unix ms; absent when the server shows none. */
  readonly clock?: number
}

/** What can be rotated in a Vault: the secret ids of an AppRole, or tokens. Each method may be repeated and answers as an issuer does. */
export interface Kind {
  /** What it is called in messages and names: `approle/atlas`. */
  readonly principal: readonly string[]
  /** What one of them is called. */
  readonly noun: string
  readonly lockout?: number
  readonly derivedLife?: Ms
  /** What the admin has to be allowed. */
  readonly needs: Needs
  /** Whether what is configured in Vault lets it be rotated; answers what a reviewer must know. */
  inspect(door: Door, call: Time): Promise<Answer<readonly string[]>>
  list(door: Door, call: Time): Promise<Answer<Listed>>
  /** Makes one that carries this tag. */
  make(door: Door, tag: string, call: Time): Promise<Answer<Made>>
  /** One of this form that Vault never made. */
  stranger(): Secret
  /** A fresh login. `door` is the admin's, for what is no secret. */
  verdict(door: Door, secret: Secret, call: Time): Promise<Answer<Verdict>>
  /** Ends it; one that is absent is ended. */
  end(door: Door, accessor: string, call: Time): Promise<Answer<void>>
  /** Keeps one that is there alive, where that can be done; false when there is none. */
  keep(door: Door, accessor: string, call: Time): Promise<Answer<boolean>>
}
