import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blocksOf, openPerson } from '../fixture/follow.ts'

/** What a person has who rotates a secret by hand. */
export interface Hand {
  /** What `keyturn runbook` printed. */
  readonly text: string
  /** The folder of the platform's own commands. */
  readonly bin: string
  /** What the person brings: the text asks for it by these names. */
  readonly given: Readonly<Record<string, string>>
}

/** Types everything that the text says, up to the end of the way forward, each line held to what it says that it prints. Answers with every command line. */
export async function rotateByHand({ text, bin, given }: Hand): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-person-'))
  const person = openPerson(folder)
  try {
    await person.type({ step: 'the machine', run: `PATH='${bin}':$PATH` })
    const blocks = [/^## Before you begin/, /^## The way forward/].flatMap((heading) => blocksOf(text, heading))
    for (const block of blocks) await person.type(block, [...block.run.matchAll(/read -rsp '[^']*' (\w+)/g)].map(([, name = '']) => given[name] ?? ''))
    return person.commandLines()
  } finally {
    await person.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
