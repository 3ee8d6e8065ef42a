import { type Answer, done, refused } from '../../kit/answer.ts'
import type { Call } from '../../kit/call.ts'
import { fileRefusal, type FilePort, inspectPlace, type Way } from '../../outside/file/index.ts'
import { decode } from './fit.ts'
import { readAll, READERS, type Reader } from './readers/index.ts'

/**
 * Whether the file is a safe and writable place for values, and readable by the declared readers. Looks only. Notices: those of
 * the place, and which readers were left out.
 */
export async function inspect(
  path: string,
  declared: readonly Reader[] | undefined,
  way: Way,
  port: FilePort,
  call: Call,
): Promise<Answer<{ readonly notices: readonly string[] }>> {
  const place = await inspectPlace(path, way, port, call)
  if (place.is !== 'done') return place
  let text: string
  try {
    text = decode((await port.read(place.value.real)).toString('latin1'))
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
  const unable = (declared ?? READERS).filter((reader) => readAll(reader, text) === undefined)
  if (declared !== undefined && unable.length > 0)
    return refused('VALUE_UNREADABLE', `${unable.join(', ')} cannot read ${path} as it is`)
  return done({ notices: [...place.value.notices, ...unable.map((reader) => leftOut(reader, path))] })
}

function leftOut(reader: Reader, path: string): string {
  return `${reader} cannot read ${path} as it is, so values are not checked for it; name who reads the file under \`readers\``
}
