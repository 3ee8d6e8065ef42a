import { type Answer, done, refused } from '../answer.ts'
import { reduceCause } from '../error.ts'
import { disk, type FilePort } from './port.ts'
import { fileRefusal } from './refusal.ts'
import { tempOf } from './target.ts'

/**
 * Takes away the temp file that a killed {@link replaceFile} may have left. Only for the holder of the store's lock: it cannot
 * tell what a killed writer left from what another one is writing now. May be repeated; nothing there is done.
 */
export async function tidyFile(path: string, port: FilePort = disk): Promise<Answer<void>> {
  try {
    const temp = tempOf(await port.real(path))
    const stat = await port.stat(temp)
    if (!stat.isFile()) return refused('STORE_UNSAFE', `${temp} is not a regular file`)
    await port.remove(temp)
    return done(undefined)
  } catch (thrown) {
    return reduceCause(thrown).code === 'ENOENT' ? done(undefined) : fileRefusal(thrown, path)
  }
}
