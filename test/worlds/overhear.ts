import { appendFileSync } from 'node:fs'

// Loaded into the CLI before its own code (`node --import`), so that a test knows every value that the process ever opened: also
// those that were never published, and the wrong ones of probes. It listens and changes nothing.

const [file, kit] = [process.env['WORLDS_OVERHEAR'], process.env['WORLDS_KIT']]
if (file !== undefined && kit !== undefined) {
  // The class of the program itself, from its own kit.
  const { Secret } = (await import(kit)) as typeof import('../../src/kit/index.ts')
  const reveal = Secret.prototype.reveal
  const heard = new Set<string>()
  Secret.prototype.reveal = function overheard(): string {
    const value = reveal.call(this)
    if (!heard.has(value)) {
      heard.add(value)
      appendFileSync(file, `${JSON.stringify(value)}\n`, { mode: 0o600 })
    }
    return value
  }
}
