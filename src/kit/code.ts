/**
 * Every way in which something can go other than well, as a closed list. A code is stable: scripts match on it, docs/errors.md
 * is generated from this table, and a test holds the two equal. `says` is the message, `hint` is what the reader does next.
 */
export const CODES = {
  // what a person wrote
  USAGE: { says: 'the command line cannot be read', hint: 'Run `keyturn help COMMAND` for the words that it takes.' },
  MANIFEST_INVALID: { says: 'the manifest is not valid', hint: 'Mend each place that is named; nothing was changed.' },
  MANIFEST_MISSING: { says: 'there is no manifest here', hint: 'Name one with `--manifest FILE`, or run in the folder that has keyturn.yaml.' },
  MANIFEST_EXISTS: { says: 'there is a manifest already', hint: 'Write to another file with `--out FILE`, look first with `--dry-run`, or overwrite it with `--force`.' },
  SECRET_UNKNOWN: { says: 'the manifest has no such secret', hint: 'Use one of the names that the manifest lists.' },
  ROTATION_UNKNOWN: { says: 'there is no such rotation', hint: 'List them with `keyturn history`.' },
  REFERENCE_UNRESOLVED: { says: 'a reference does not resolve', hint: 'Provide what the reference names (a variable, a file, the output of a command), then run again.' },

  // the world before a rotation
  PRECONDITION_FAILED: { says: 'a check is red before anything was changed', hint: 'Put the system right first; keyturn starts only from green.' },
  WORLD_MOVED: { says: 'the world is no longer what the plan was made from', hint: 'Make a new plan and look at what changed.' },
  STORE_DRIFT: { says: 'the stores do not agree on the current value', hint: 'Make every store hold the value that works, then run again.' },
  STORE_UNFIT: { says: 'the value in the store does not fit its binding', hint: 'Compare the template in the manifest with the line in the store.' },
  STORE_UNSAFE: { says: 'the store is not a safe place for a value', hint: 'Keep values out of files that git tracks or does not ignore, and out of examples.' },
  PREVIOUS_HELD: { says: 'another key than the one in use is still accepted', hint: 'Wait until what it signed has run out, take it out of the store that is named, reload the consumers, and run again.' },
  STORE_MISSING: { says: 'the store does not exist', hint: 'Create it with the current value in it, or mend its place in the manifest.' },
  STORE_EDITED: { says: 'somebody else changed the value in the store', hint: 'Find out who wrote it; then `keyturn resume` publishes again, `keyturn abort` goes back.' },
  STORE_FULL: { says: 'there is no space left to write', hint: 'Free some space, then `keyturn resume`; the old content is untouched.' },
  STORE_DENIED: { says: 'the store may not be read or written', hint: 'Give the user that runs keyturn the right to it.' },
  VALUE_UNREADABLE: { says: 'not every reader of the store would read this value the same', hint: 'Use letters and digits, or take the reader that cannot out of `readers`.' },
  CONFLICT: { says: 'the store changed between read and write', hint: 'keyturn reads again and patches; if it goes on, something writes all the time.' },

  // several at once
  CAMPAIGN_STOPPED: { says: 'another rotation that was begun with it did not come through', hint: 'Look at that one. What is open goes on with `keyturn resume ROTATION`, or back with `keyturn abort`; what was not begun is rotated with `keyturn rotate`.' },

  // the issuer
  ADMIN_REJECTED: { says: 'the admin credential is rejected', hint: 'Mend the reference under `issuer.admin`; nothing was changed.' },
  RIGHTS_MISSING: { says: 'the admin lacks a right that this rotation needs', hint: 'Grant the right that is named, or give another admin.' },
  PRINCIPAL_MISSING: { says: 'the principal does not exist', hint: 'Create it, or mend its name in the manifest.' },
  PRINCIPAL_IN_USE: { says: 'the idle principal is in use', hint: 'End what uses it, or turn its login off if it is nobody\'s; keyturn never overwrites a password that may be in use.' },
  SLOTS_FULL: { says: 'the issuer has no room for a second credential', hint: 'Make room: see what the plan lists as slots.' },
  CREDENTIAL_REJECTED: { says: 'the acceptor rejects the credential', hint: 'See which endpoint, and compare the value in the store with the principal.' },
  PROBE_MEANINGLESS: { says: 'the acceptor lets a wrong credential in', hint: 'Take the line that trusts this address away (pg_hba.conf: `trust`), or probe another endpoint.' },
  HASH_REFUSED: { says: 'the server does not take a pre-hashed password', hint: 'Set `send: clear` in the issuer if the clear value may cross the wire and the server\'s log.' },
  FENCED: { says: 'a newer owner has taken over', hint: 'Nothing to do: the newer run goes on.' },
  OLD_WANTED: { says: 'somebody holds the old credential, which is off', hint: 'It is turned on again; find out who brought it back, then rotate again.' },
  OLD_STILL_ON: { says: 'the old credential is still accepted', hint: 'Look at the endpoint that is named; it has its own copy of the credential.' },

  // consumers and checks
  CONSUMER_STALE: { says: 'a consumer does not hold the new value', hint: 'See which instance; restart it by its own means, then `keyturn resume`. Cannot it prove it? `keyturn resume ROTATION --acknowledge NAME --reason TEXT`.' },
  CONSUMER_UNREADY: { says: 'a consumer did not become ready in time', hint: 'Look at its own log; then `keyturn resume` tries again, `keyturn abort` goes back.' },
  CONSUMER_MISSING: { says: 'no instance of the consumer was found', hint: 'Start it, or mend its place in the manifest. Gone for good? `keyturn resume ROTATION --acknowledge NAME --reason TEXT`.' },
  CHECK_FAILED: { says: 'a check failed', hint: 'Compare what it found with what it expects.' },
  CHECK_CANNOT_FAIL: { says: 'a check passes with a wrong credential, so it proves nothing', hint: 'Point it at something that really logs in.' },
  COMMAND_FAILED: { says: 'a command ended with another exit code than 0', hint: 'Run it by hand in the same folder; its output is not kept.' },
  COMMAND_MISSING: { says: 'a command could not be started', hint: 'Install it, or mend its name in the manifest.' },
  PACKAGE_MISSING: { says: 'a package that this connector needs is not installed', hint: 'Install the one that is named beside keyturn: `npm install NAME`; nothing was changed.' },

  // time and the network
  DEADLINE: { says: 'no answer before the deadline', hint: 'The outcome is unknown and will be looked up; see that the address is reachable.' },
  UNREACHABLE: { says: 'the address cannot be reached', hint: 'See that the server is up and the address in the manifest is right.' },
  RATE_LIMITED: { says: 'the server takes no more requests for now', hint: 'keyturn tries again for a while; if it goes on, see what else uses up the quota of this admin.' },
  REQUEST_REFUSED: { says: 'the server refuses the request as it is', hint: 'Compare the request in the manifest with the documentation of the provider; nothing was changed.' },
  RESPONSE_UNFIT: { says: 'the response of the server is not what the manifest describes', hint: 'Compare the paths in the manifest with what the provider answers; the outcome will be looked up.' },
  SERVER_ERROR: { says: 'the server answered with an error of its own', hint: 'The outcome is unknown and will be looked up; see the server\'s log.' },
  CLOCK_WRONG: { says: 'the clock went back, jumped or differs from the issuer\'s', hint: 'Set the clock right (NTP), then `keyturn resume`. If it was ahead before and is right now: `keyturn resume ROTATION --acknowledge clock --reason TEXT`.' },

  // people
  DECLINED: { says: 'a person declined the task', hint: 'Read why; `keyturn resume` asks again, `keyturn abort` goes back.' },
  TASK_UNFIT: { says: 'this cannot be the answer to the task', hint: 'Look at what is asked with `keyturn task show ROTATION`, and answer again.' },
  VALUE_MADE: { says: 'the provider makes this value, nobody chooses it', hint: 'Use `keyturn rotate`, which has the provider make a new one.' },
  IMPACT_UNACCEPTED: { says: 'this rotation cuts sessions off, and nobody has accepted that', hint: 'Read the impact in `keyturn plan`, then rotate with --accept-impact.' },

  // the engine
  LOCKED: { says: 'another run holds this', hint: 'Wait for it, or see `keyturn status` for who and until when.' },
  ROTATION_OPEN: { says: 'a rotation of this is already open', hint: 'Go on with `keyturn resume`, or go back with `keyturn abort`.' },
  GATE_HELD: { says: 'the gate before ending the old credential does not open', hint: 'Put right what it names; it is evaluated again at every `keyturn resume`.' },
  PAUSED: { says: 'all rotations of this state are paused', hint: 'See why; `keyturn continue` ends the pause. `abort` and `undo` are possible meanwhile.' },
  NOT_NOW: { says: 'that is not possible at this point of the rotation', hint: 'See `keyturn status` for what is.' },
  ROLLED_BACK: { says: 'the rotation failed and was rolled back', hint: 'The old credential is in use; mend the cause and rotate again.' },
  ROTATION_STUCK: { says: 'an open rotation is due and nobody goes on with it', hint: 'Run `keyturn resume`, and `keyturn run` (or `--once` from cron) so that it goes on by itself.' },
  ROTATION_DUE: { says: 'the secret is due to be rotated', hint: 'Run `keyturn rotate SECRET`; `keyturn due` has the dates of all.' },
  SUPERSEDED: { says: 'an emergency has taken the place of this rotation', hint: 'See `keyturn status` for it; everything that this one left is ended by that one.' },
  OWN_CREDENTIAL: { says: 'keyturn itself works with the credential that would be ended first', hint: 'Run it with --mint-first: a new one is made and presented, then this one is ended. Or give keyturn another credential to work with.' },
  INCIDENT_UNKNOWN: { says: 'there is no such incident', hint: 'Run `keyturn incident` for those that there are.' },
  INTERRUPTED: { says: 'stopped on request', hint: 'What was done is on disk; `keyturn resume` goes on.' },

  // the state
  STATE_UNSAFE: { says: 'the state folder can be read by others', hint: 'chmod 700 the folder and 600 what is in it.' },
  STATE_NEWER: { says: 'the state was written by a newer keyturn', hint: 'Install that version or a newer one.' },
  STATE_STALE: { says: 'the state is older than the world, like a restored backup', hint: 'Bring back the newest state; see docs/recovery.md.' },
  STATE_REMOTE: { says: 'the state lies on a network file system', hint: 'Put it on a local disk (`state` in the manifest): the locks of SQLite do not hold over a network.' },
  STATE_FULL: { says: 'the state cannot be written', hint: 'Free some space and run again; no step goes on before its record is on disk.' },
  STATE_UNREACHABLE: { says: 'the database of the state does not answer', hint: 'See that PostgreSQL is up and the URL of `state` is right, then `keyturn resume`; what was done is on its disk. See docs/state.md.' },
  STATE_MOVED: { says: 'the state was moved', hint: 'Put the new place under `state` in the manifest; see docs/state.md.' },
  IDENTITY_MISSING: { says: 'the identity file is missing', hint: 'Bring it back from where you keep it; see docs/recovery.md for the way forward without it.' },
  IDENTITY_WRONG: { says: 'the identity file is not the one of this state', hint: 'Name the right one with KEYTURN_IDENTITY; see docs/recovery.md.' },
  IDENTITY_UNSAFE: { says: 'the identity file lies in a place that is not safe', hint: 'Keep it outside the state folder and every git tree, mode 600.' },
  SEAL_BROKEN: { says: 'a sealed value does not authenticate', hint: 'The state was changed from outside; see docs/recovery.md.' },
  JOURNAL_BROKEN: { says: 'the journal was changed from outside', hint: 'Run `keyturn audit verify`; go on from a copy that verifies.' },
  RECEIPT_INVALID: { says: 'the receipt does not verify', hint: 'It was changed, or it was signed by another identity.' },
  NOTICE_REFUSED: { says: 'the receiver of notices does not take them', hint: 'Mend the notifier in the manifest (its address, its key), then try it with `keyturn notify test NAME`.' },
  NOTICE: { says: 'worth knowing', hint: 'Read it once and decide; nothing is refused because of it.' },
  INTERNAL: { says: 'keyturn met a case that it does not know', hint: 'Please report it with the code and the command; it holds no value.' },
} as const satisfies Record<string, { says: string; hint: string }>

/** One of the closed list. */
export type Code = keyof typeof CODES
