import { KeyturnError } from '../../kit/index.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { verbSpecs } from '../completion/spec.ts'
import { zshScript } from '../completion/zsh.ts'
import { EXIT } from '../exit.ts'
import type { CommonOptions, Session } from '../session.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

/** `keyturn completion SHELL`: a script of this very version's commands; only secrets and rotations are asked for when they are typed. */
export async function run({ terminal }: Session, [shell = '']: readonly string[], options: CommonOptions): Promise<number> {
  if (shell !== 'bash' && shell !== 'zsh' && shell !== 'fish') {
    throw new KeyturnError('USAGE', 'completion knows bash, zsh and fish', { hint: 'Write `keyturn completion bash`, `zsh` or `fish`.' })
  }
  const script = SCRIPTS[shell](verbSpecs())
  terminal.out(options.json === true ? JSON.stringify({ shell, script }) : script.trimEnd())
  return EXIT.done
}
