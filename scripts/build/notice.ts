import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The licences of the packages that these modules come from: they ask to go wherever the code goes. In their own words, where a
 * package comes with them. Throws when one names no licence.
 */
export async function noticeOf(modules: readonly string[]): Promise<string> {
  const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replace(/^\0/, ''))?.[0] ?? [])
  const notices = await Promise.all([...new Set(folders)].toSorted().map(notice))
  return `keyturn contains code of these packages.\n\n${notices.join('\n')}`
}

async function notice(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, string>
  if (typeof license !== 'string') throw new Error(`${name} names no licence`)
  const file = (await readdir(folder)).find((each) => /^licen[cs]e(\.|$)/i.test(each))
  const words = file === undefined ? '' : `\n${(await readFile(join(folder, file), 'utf8')).trim()}\n`
  return `${name} ${version} (${license})\n${words}`
}
