import type { RotationFunction } from './aws-function.ts'
import type { Ground, Login } from './ground.ts'
import type { Service } from './service.ts'
import type { Server as Vault } from '../../test/systems/vault/server.ts'

/** What ways may need beside PostgreSQL. Each is made or started when it is first asked for. */
export interface World {
  /** The launcher of the package, built as it is published. */
  keyturn(): Promise<string>
  vault(): Promise<Vault>
  moto(): Promise<{ readonly url: string; readonly aws: RotationFunction['aws'] }>
}

/** One way to change the database credential of a live service. */
export interface Way {
  /** As it is named on the command line. */
  readonly id: string
  readonly title: string
  /** How it is set up here, and which choices of its documentation that follows; with the addresses of those pages. */
  readonly notes: readonly string[]
  /** Until when the old credential can be taken up again without making a new one. */
  readonly back: string
  /** What it leaves for an auditor. */
  readonly receipt: string
  /** Sets it up on new ground, up to where the service can start: the env file is there, and what it says logs in. */
  open(ground: Ground, world: World): Promise<Opened>
}

export interface Opened {
  /** The client module of the service (test/systems/rig/client.ts). */
  readonly client: URL
  /** What the service logs in with now. */
  login(): Promise<Login>
  /** Rotates once; answers when the tool has ended. Throws when the tool says that it failed. */
  rotate(service: Service): Promise<Turn>
  /** Ends what {@link Way.open} started. */
  close(): Promise<void>
}

/** What is known of one rotation beside what the load saw. Times are those of `performance.now()`. */
export interface Turn {
  /** When it was asked for, or when it began by itself. */
  readonly from: number
  /** When the tool had ended. */
  readonly to: number
  /** With which words the server refused the old credential when the tool itself tried it; absent when it never did. */
  readonly proof?: string
  /**
   * From when on an instance that is refused helps itself, without being told. Absent where it does not: then the gap ends when
   * every instance holds the new one.
   */
  readonly mended?: number
}
