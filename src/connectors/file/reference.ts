import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Answer, done, reduceCause, type Reference, refused, Secret, type Surroundings } from '../../kit/index.ts'
import { locate } from '../../outside/file/index.ts'

/** A value is shorter; a file that is longer is another one than was meant. */
const MOST_BYTES = 64 * 1024

/**
 * `${file:PATH}`: the text in the file, without its last newline. From the folder of the manifest, a leading `~/` is the home folder;
 * links are followed. A file that everybody on the machine may read is a notice and no refusal: what containers mount often is so.
 */
export function openReference({ base, notice }: Pick<Surroundings, 'base' | 'notice'>): Reference {
  return {
    title: (name) => name,
    async resolve(name, { signal }) {
      if (signal.aborted) return refused('DEADLINE')
      const path = locate(name, base)
      let file: FileHandle | undefined
      try {
        // A pipe without a writer would keep everybody waiting who opens it.
        file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
        const stat = await file.stat()
        if (!stat.isFile()) return refused('REFERENCE_UNRESOLVED', stat.isDirectory() ? 'it is a folder' : 'it is no regular file')
        if (stat.size > MOST_BYTES) return refused('REFERENCE_UNRESOLVED', `the file is larger than ${MOST_BYTES / 1024} KiB`)
        if ((stat.mode & 0o004) !== 0) notice(`${path} can be read by every user of this machine: chmod o-r`)
        return textOf(await file.readFile({ signal }))
      } catch (thrown) {
        return refused('REFERENCE_UNRESOLVED', `the file cannot be read (${reduceCause(thrown).code ?? 'error'})`)
      } finally {
        await file?.close()
      }
    },
  }
}

function textOf(bytes: Uint8Array): Answer<Secret> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refused('REFERENCE_UNRESOLVED', 'the file holds what is no text (UTF-8)')
  }
  const value = text.replace(/\r?\n$/, '')
  return value === '' ? refused('REFERENCE_UNRESOLVED', 'the file is empty') : done(new Secret(value))
}
