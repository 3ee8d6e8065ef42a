import { type Answer, ask } from '../../kit/answer.ts'
import type { Commit, RemoteConfig, Tip } from '../../outside/git/index.ts'

/**
 * Pushes the change to a branch of keyturn's own, from the tip of the one that is followed, and asks a person to merge it. Nothing
 * that anybody reads has changed then. Afterwards the step is attempted again: it finds the value there, or proposes it once more.
 */
export async function propose(tip: Tip, git: Pick<RemoteConfig, 'file' | 'branch' | 'propose'>, text: string, commit: Commit): Promise<Answer<never>> {
  const { propose: branch = '' } = git
  const pushed = await tip.push(git.file, text, commit, { branch, replace: true })
  if (pushed.is !== 'done') return pushed
  return ask({
    kind: 'prepare',
    title: `Merge the branch ${branch} into ${git.branch}`,
    steps: [
      `Open a pull request of ${branch} into ${git.branch} and have it reviewed: it changes ${git.file} and nothing else (commit ${pushed.value.commit.slice(0, 12)}).`,
      'Merge it. The branch is keyturn\'s own: it is made anew at each attempt, and taken away afterwards.',
      'Then answer this task: keyturn waits until it is applied.',
    ],
  })
}
