import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse, stringify } from 'yaml'
import { type Ran, startKeyturn } from '../../worlds/keyturn.ts'

/** A block of a manifest, as it was written. */
export type Block = Readonly<Record<string, unknown>>

/** A page of docs/recipes. */
export interface Recipe {
  /** The fenced text of this language; throws where there is none. */
  block(language: string): string
  /** One of its secrets. */
  secret(name: string): Block & { readonly issuer: Block; readonly stores: readonly Block[] }
}

export function readRecipe(name: string): Recipe {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/recipes', `${name}.md`), 'utf8')
  const block = (language: string): string => {
    const [, found] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text) ?? []
    if (found === undefined) throw new Error(`${name}.md has no ${language} block`)
    return found
  }
  return {
    block,
    secret: (which) => {
      const { secrets } = parse(block('yaml')) as { readonly secrets: Readonly<Record<string, Block & { readonly issuer: Block; readonly stores: readonly Block[] }>> }
      const found = secrets[which]
      if (found === undefined) throw new Error(`${name}.md has no secret ${which}`)
      return found
    },
  }
}

export interface Rotated {
  readonly ran: Ran
  /** What the env file holds afterwards. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Rotates a secret as the recipe has it through the command line, to the end and without its waits: its servers are those of the test,
 * and nobody uses it. The recipe's env file lies in a folder of its own. With `unseen` the issuer shows nobody's use, and the test answers for it.
 */
export async function rotateRecipe(secret: Block, file: string, env: Readonly<Record<string, string>>, unseen = false): Promise<Rotated> {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-recipe-'))
  try {
    writeFileSync(join(folder, '.env'), file, { mode: 0o600 })
    const { consumers: _, checks: __, ...rest } = secret
    // Not `quiet: 0s`, which leaves it to the consumers' proofs alone: here there are none.
    const waits = { grace: '0s', quiet: '1s', undo: '0s' }
    const manifest = { version: 1, system: 'shop', environment: 'staging', secrets: { one: { ...rest, ...waits } } }
    writeFileSync(join(folder, 'keyturn.yaml'), stringify(manifest))
    const keyturn = async (...args: readonly string[]): Promise<Ran> => {
      const running = startKeyturn([...args, '--reason', 'test'], { cwd: folder, env: { ...env, KEYTURN_IDENTITY: join(folder, 'identity'), KEYTURN_DEBUG: '1' } })
      // One that is held would wait for a person.
      const late = setTimeout(() => running.send('SIGTERM'), 60_000)
      const ran = await running.end
      clearTimeout(late)
      return ran
    }
    const first = await keyturn('rotate', 'one', ...(unseen ? [] : ['--wait']))
    const ran = unseen ? await keyturn('resume', 'one', '--acknowledge', 'usage', '--wait') : first
    return { ran: { ...ran, said: `${first.said}\n${ran.said}` }, env: parseEnv(readFileSync(join(folder, '.env'), 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The recipe's store, whose file is the one that {@link rotateRecipe} makes. */
export function inFolder(stores: readonly Block[]): readonly Block[] {
  return stores.map((store) => ({ ...store, file: '.env' }))
}
