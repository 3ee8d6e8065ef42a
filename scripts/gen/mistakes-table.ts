/** A mistake of the runbooks. */
export interface Mistake {
  readonly id: string
  /** In our words. */
  readonly mistake: string
  readonly avoided: string
  /** The files whose tests prove it, those by which somebody judged it; a test there has the id in its name. */
  readonly proven: readonly string[]
  /** Where no test can yet be: what it waits for. */
  readonly later?: string
}

const later = (id: string, mistake: string, avoided: string): Mistake => ({ id, mistake, avoided, proven: [], later: 'with the connector of that provider' })

/** All forty, in their order. */
export const MISTAKES: readonly Mistake[] = [
  { id: 'C-01', mistake: 'Values in command lines, URLs and the history of shells.', avoided: 'Values go by standard input, by the API or by the environment; references in command lines and URLs are refused.', proven: ['test/mistakes/open.test.ts', 'src/outside/process/run.test.ts', 'src/connectors/command/connector.test.ts', 'src/cli/commands/exec.test.ts'] },
  { id: 'C-02', mistake: 'Temp files and backups in clear, readable by everybody.', avoided: 'No file in clear; what is kept is sealed, in files of 0600 in folders of 0700.', proven: ['test/mistakes/open.test.ts'] },
  { id: 'C-03', mistake: 'Nowhere is the old value proven dead.', avoided: 'A rotation is done when the server has rejected the old one and accepted the new one, in the same minute.', proven: ['test/mistakes/order.test.ts', 'test/mistakes/grants.test.ts'] },
  { id: 'C-04', mistake: 'The old one is never revoked.', avoided: 'Ending it is a part of every plan; where a provider has no API for it, a task that stays open.', proven: ['test/people/rotation.test.ts', 'src/connectors/webhook/connector.test.ts', 'src/connectors/webhook/issuer-schema.test.ts'] },
  { id: 'C-05', mistake: 'Checks that cannot fail.', avoided: 'A check that takes a credential has to fail with a wrong one first; one that cannot take any is health, never proof; an absent field never passes.', proven: ['src/doctor/secret.test.ts', 'src/connectors/postgres/preflight.test.ts', 'src/connectors/http/connector.test.ts', 'src/outside/expectation.test.ts', 'src/operations/adopt.test.ts'] },
  { id: 'C-06', mistake: 'A restarted container keeps the environment that it was created with.', avoided: 'Containers are recreated, and looked into: what an instance holds is proven, not believed.', proven: ['test/mistakes/tools.test.ts', 'src/connectors/docker/connector.test.ts', 'test/init.test.ts'] },
  { id: 'C-07', mistake: '`restart --force-recreate`: a flag that restart does not have.', avoided: '`up` with the flags of the generation of compose that is there; a restart is refused as a way to reload.', proven: ['test/mistakes/tools.test.ts', 'src/connectors/docker/connector.test.ts', 'src/connectors/command/container.test.ts'] },
  { id: 'C-08', mistake: 'The password is replaced before the consumers have the new one.', avoided: 'Two are accepted side by side; where there is one slot the gap is estimated, as short as can be, and measured.', proven: ['test/mistakes/grants.test.ts', 'src/plan/steps.test.ts', 'src/plan/make.test.ts', 'src/proof/receipt.test.ts', 'test/worlds/whole.test.ts'] },
  { id: 'C-09', mistake: 'The new signing key is published first, the previous one afterwards, when nobody has it any more.', avoided: 'The old one is kept before anything is written; both are published in one write.', proven: ['test/keys/rolling.test.ts', 'src/plan/steps.test.ts', 'src/steps/entries.test.ts'] },
  { id: 'C-10', mistake: '`getenv(NEW) or getenv(OLD)` taken for a fallback.', avoided: 'The new one is tried at its acceptor before it is written anywhere.', proven: ['test/mistakes/order.test.ts'] },
  { id: 'C-11', mistake: 'After the run only the new name is left, and the next run copies a wrong one.', avoided: 'The value is promoted to its base name in the same rotation; a second rotation in a row works.', proven: ['src/plan/steps.test.ts', 'src/steps/entries.test.ts'] },
  { id: 'C-12', mistake: 'The rollback puts files back, and the server keeps the new password.', avoided: 'Going back is the same algorithm with old and new swapped: both sides, or none.', proven: ['test/mistakes/order.test.ts'] },
  { id: 'C-13', mistake: 'A backup of some of the files, under a name of the day, kept for ever, with revoked values in it.', avoided: 'A sealed snapshot of exactly what is changed, named by its rotation, ended after its time; what is dead does not come back.', proven: ['test/strategies/retention.test.ts', 'test/worlds/rollback.test.ts', 'test/people/answers.test.ts'] },
  { id: 'C-14', mistake: '`sed s/KEY=.*/` hits other keys, and takes passwords for commands.', avoided: 'A parser of env files that changes one key and leaves every other byte.', proven: ['test/mistakes/files.test.ts', 'src/connectors/dotenv/connector.test.ts', 'src/connectors/sealed-secrets/edit.test.ts'] },
  { id: 'C-15', mistake: 'A second role with grants on the tables of today.', avoided: 'The second one is a member of the first and takes its role on: whatever is or comes belongs to both.', proven: ['test/mistakes/grants.test.ts', 'src/connectors/postgres/alternate.test.ts'] },
  { id: 'C-16', mistake: '`DROP ROLE IF EXISTS` of a name that never was.', avoided: 'The recorded one is dropped, with what depends on it in every database; any other name is an error.', proven: ['test/mistakes/grants.test.ts', 'src/connectors/postgres/dated.test.ts'] },
  { id: 'C-17', mistake: '`echo >> userlist.txt`: twice the line, the dead one stays.', avoided: 'Lines are replaced in place; a second run adds nothing.', proven: ['test/mistakes/files.test.ts'] },
  { id: 'C-18', mistake: 'Random text is stored as the key of a provider who never made it.', avoided: 'What the provider makes is never generated, and a given value is refused.', proven: ['test/mistakes/names.test.ts', 'src/connectors/webhook/issuer-schema.test.ts', 'test/review/given.test.ts'] },
  { id: 'C-19', mistake: 'One secret under several names and places, of which some are forgotten.', avoided: 'A secret has all its places; when they differ nothing begins.', proven: ['test/mistakes/names.test.ts'] },
  { id: 'C-20', mistake: '`vault kv put` replaces all fields of a path.', avoided: 'Patches of our keys, with check-and-set.', proven: ['test/mistakes/files.test.ts'] },
  later('C-21', 'Grafana: an endpoint that is gone, one fixed name, too many rights, the default login.', 'Tokens of service accounts with unique names.'),
  { id: 'C-22', mistake: 'A NATS command that does not exist; the change of the server is a comment.', avoided: 'Keys and JWTs are signed here, and pushed to servers that trust the operator.', proven: ['src/connectors/nats/issuer.test.ts'] },
  { id: 'C-23', mistake: 'Production reads the key of development.', avoided: 'One value in two environments is found and told.', proven: ['src/scan/problems.test.ts', 'src/scan/propose.test.ts'] },
  { id: 'C-24', mistake: 'Setting the rules of a rotation starts one; a second is started by hand, and nobody waits for either.', avoided: 'One is started or watched, awaited by its labels, and logged in with.', proven: ['src/connectors/aws-secrets-manager/connector.test.ts'] },
  { id: 'C-25', mistake: 'base64 of 64 bytes has a line end in it.', avoided: 'Generated values are on one line.', proven: ['test/mistakes/files.test.ts', 'src/connectors/random/connector.test.ts'] },
  { id: 'C-26', mistake: 'A cleanup that stops at the first file that is not there.', avoided: 'What is there is taken away, as often as one likes.', proven: ['test/mistakes/files.test.ts'] },
  { id: 'C-27', mistake: 'Patterns that let env files into git.', avoided: 'git itself is asked of every file that holds a value; one that it would take is refused.', proven: ['test/mistakes/names.test.ts'] },
  { id: 'C-28', mistake: 'Searches of logs without a beginning, for words that are everywhere.', avoided: 'Only what was written since the change counts, by patterns that name the beginning of a line, in every source.', proven: ['src/connectors/log/connector.test.ts', 'src/connectors/log/pattern.test.ts', 'src/connectors/log/file.test.ts', 'test/worlds/observe.test.ts'] },
  { id: 'C-29', mistake: 'In an emergency the old one is revoked first, whatever that breaks.', avoided: 'Both estimates are shown before; the new one first is a choice of its own.', proven: ['test/emergency/live.test.ts'] },
  { id: 'C-30', mistake: 'Secrets that are listed, without a procedure.', avoided: 'Each kind has a connector, or tasks for a person.', proven: ['test/mistakes/names.test.ts'] },
  { id: 'C-31', mistake: '"All services" in the list, two in the commands.', avoided: 'Whoever is seen with the old one, named or not, holds what would end it; so does a consumer that the plan does not know.', proven: ['test/worlds/between.test.ts', 'src/scan/propose.test.ts'] },
  { id: 'C-32', mistake: '`X_OLD=$X` in an env file, which not everybody expands.', avoided: 'Values are written, and only as every reader reads them alike.', proven: ['test/mistakes/files.test.ts', 'test/keys/rolling.test.ts'] },
  { id: 'C-33', mistake: 'A command that asks for a password is given it as an argument; a manifest with it stays in /tmp.', avoided: 'Programs that ask on a terminal are answered on it; nothing in clear is written.', proven: ['test/people/asking.test.ts', 'src/outside/process/terminal.test.ts'] },
  later('C-34', 'The provider that is fallen back to is never asked.', 'A check of that provider itself.'),
  { id: 'C-35', mistake: 'A check uses a token that the rotation itself replaces.', avoided: 'References are resolved at the moment of use.', proven: ['test/mistakes/tools.test.ts'] },
  later('C-36', 'Neon: a reset is for one branch, others keep the old password.', 'A proof for each branch.'),
  { id: 'C-37', mistake: 'A script that died begins again from its first line; two may run; nobody knows who did what.', avoided: 'A journal, a lease, an audit trail.', proven: ['test/mistakes/order.test.ts'] },
  { id: 'C-38', mistake: 'The same kind of secret, three different intervals.', avoided: 'Every secret has its own rule.', proven: ['src/schedule/every.test.ts'] },
  { id: 'C-39', mistake: 'The old key is revoked after one green answer.', avoided: 'A day of grace when nobody says otherwise, and a gate that looks at every instance.', proven: ['test/mistakes/names.test.ts'] },
  later('C-40', 'Placeholders and example passwords in the text.', 'Known examples are refused as values.'),
]
