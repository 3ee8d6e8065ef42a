import { type Answer, done, refused } from '../../kit/answer.ts'
import { reduceCause } from '../../kit/error.ts'
import { put } from './overwrite.ts'
import { disk, type FilePort } from './port.ts'
import { fileRefusal } from './refusal.ts'
import { tempOf } from './target.ts'
import { isTorn, readBoth } from './torn.ts'

/**
 * Takes away the temp file that a killed `replaceFile` or `overwriteFile` may have left. When the latter left a mixture of old and
 * new content, it puts the old one back first. Only for the holder of the store's lock: it cannot tell what a killed writer left
 * from what another one is writing now. May be repeated; nothing there is done.
 */
export async function tidyFile(path: string, port: FilePort = disk): Promise<Answer<void>> {
  try {
    const real = await port.real(path)
    const temp = tempOf(real)
    const stat = await port.stat(temp)
    if (!stat.isFile()) return refused('STORE_UNSAFE', `${temp} is not a regular file`)
    await mend(real, temp, port)
    await port.remove(temp)
    return done(undefined)
  } catch (thrown) {
    return reduceCause(thrown).code === 'ENOENT' ? done(undefined) : fileRefusal(thrown, path)
  }
}

async function mend(real: string, temp: string, port: FilePort): Promise<void> {
  const both = readBoth(await port.read(temp))
  if (both === undefined || !isTorn(await port.read(real), both)) return
  const file = await port.edit(real)
  try {
    await put(file, both.old)
  } finally {
    await file.close()
  }
}
