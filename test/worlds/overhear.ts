import { appendFileSync } from 'node:fs'
import { Secret } from '../../src/kit/secret.ts'

// Loaded into the CLI before its own code (`node --import`), so that a test knows every value that the process ever opened: also
// those that were never published, and the wrong ones of probes. It listens and changes nothing.

const file = process.env['WORLDS_OVERHEAR']
if (file !== undefined) {
  const reveal = Secret.prototype.reveal
  const heard = new Set<string>()
  Secret.prototype.reveal = function overheard(this: Secret): string {
    const value = reveal.call(this)
    if (!heard.has(value)) {
      heard.add(value)
      appendFileSync(file, `${JSON.stringify(value)}\n`, { mode: 0o600 })
    }
    return value
  }
}
