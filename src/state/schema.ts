import type { Generated } from 'kysely'

/** The tables of a state. What is in `event` is the truth; every other column can be made again from it. */
export interface Tables {
  meta: { key: string; value: string }
  rotation: {
    id: string
    system: string
    environment: string
    secret: string
    principal: string
    opened_at: number
    /** Null while it is open. */
    result: string | null
    closed_at: number | null
    /** Number of the last event and its hash: the head of the chain. */
    seq: number
    head: string
    /** Grows with every owner. */
    fence: number
    owner: string | null
    lease_until: number
    /** When it wants to go on; null when it waits for a person. */
    due_at: number | null
    /** What it waits for, for `status`. */
    waits_for: string | null
    /** The store or the consumer of the step under way, and until when a late effect of it may land. */
    holds: string | null
    holds_until: number
  }
  event: { rotation: string; seq: number; type: string; at: number; body: string; hash: string }
  sealed: { rotation: string; name: string; ciphertext: Uint8Array; mac: string }
  credential: {
    id: Generated<number>
    secret_key: string
    provider_id: string
    fingerprint: string
    state: string
    rotation: string
    at: number
  }
}

/** Each entry takes a state one version forward; its index is the version it leaves. Never edited once released. */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `create table meta (key text primary key, value text not null)`,
    `create table rotation (
      id text primary key, system text not null, environment text not null, secret text not null, principal text not null,
      opened_at bigint not null, result text, closed_at bigint, seq integer not null, head text not null,
      fence bigint not null, owner text, lease_until bigint not null, due_at bigint, waits_for text)`,
    `create unique index rotation_open on rotation (principal) where result is null`,
    `create index rotation_due on rotation (due_at) where result is null`,
    `create index rotation_principal on rotation (principal, fence)`,
    `create index rotation_secret on rotation (system, environment, secret, opened_at)`,
    `create table event (
      rotation text not null references rotation (id), seq integer not null, type text not null, at bigint not null,
      body text not null, hash text not null, primary key (rotation, seq))`,
    `create table sealed (
      rotation text not null references rotation (id), name text not null, ciphertext blob not null, mac text not null,
      primary key (rotation, name))`,
    `create table credential (
      id integer primary key, secret_key text not null, provider_id text not null, fingerprint text not null,
      state text not null, rotation text not null, at bigint not null, unique (secret_key, provider_id, fingerprint))`,
    `create table lock (resource text primary key, rotation text not null, fence bigint not null) without rowid`,
  ],
  [
    // What a step holds stands in its rotation's own row, which is written anyway.
    `drop table lock`,
    `alter table rotation add column holds text`,
    `alter table rotation add column holds_until bigint not null default 0`,
    `create index rotation_owned on rotation (owner) where owner is not null`,
  ],
]

/** The version that this keyturn writes. */
export const STATE_VERSION = MIGRATIONS.length
