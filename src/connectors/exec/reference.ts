import { type Answer, type Call, done, label, type Reference, refused, Secret, type Surroundings, unknown } from '../../kit/index.ts'
import { type ChildEnd, runChild } from '../../outside/process/index.ts'
import { wordsOf } from './words.ts'

/**
 * `${exec:PROGRAM ARGUMENT...}`: everything that the program prints on standard output, without its last newline. It runs afresh at
 * every use, in the folder of the manifest, with the allow-list for an environment and nothing to read; it dies at the deadline.
 * Neither what it prints nor its arguments are ever shown.
 */
export function openReference({ base }: Pick<Surroundings, 'base'>): Reference {
  return {
    title(name) {
      const words = wordsOf(name)
      if ('write' in words) return '...'
      const program = label(words[0]?.slice(words[0].lastIndexOf('/') + 1) ?? '')
      return words.length === 1 ? program : `${program} ...`
    },
    async resolve(name, call) {
      const words = wordsOf(name)
      return 'write' in words ? refused('MANIFEST_INVALID', `write ${words.write}`) : outputOf(words, base, call)
    },
  }
}

async function outputOf(argv: readonly string[], cwd: string, call: Pick<Call, 'signal' | 'deadline'>): Promise<Answer<Secret>> {
  const ran = await runChild({ argv, cwd }, call)
  if (ran.is === 'done') return printed(ran.value)
  // Without its own `about`: the program is named by who asks.
  return ran.is === 'ask' ? ran : (ran.is === 'refused' ? refused : unknown)(ran.code, undefined, ran.evidence)
}

function printed({ exit, took, stdout, complete }: ChildEnd): Answer<Secret> {
  if (exit !== 0) return refused('COMMAND_FAILED', `exit code ${exit}`, { exit, took })
  if (!complete) return refused('REFERENCE_UNRESOLVED', 'the command prints more than a value can be')
  // What could not be decoded stands as this character: the value would be another one.
  if (stdout.includes('\uFFFD')) return refused('REFERENCE_UNRESOLVED', 'the command prints what is no text (UTF-8)')
  const value = stdout.replace(/\r?\n$/, '')
  return value === '' ? refused('REFERENCE_UNRESOLVED', 'the command prints nothing') : done(new Secret(value))
}
