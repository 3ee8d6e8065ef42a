/** Of a message so much is shown. */
const SHOWN = 200

/**
 * The first line of what a controller says of itself, for people: `Kustomization path not found`. A long word that is no path could be a
 * value, and is left out; so are control characters.
 */
export function wordsOf(message: string): string {
  const [line = ''] = message.split('\n')
  return line
    .replaceAll(/\p{C}/gu, ' ')
    .replaceAll(/[A-Za-z0-9+/=_-]{33,}/g, (word) => (/^\/?(?:[\w.-]{1,32}\/)+[\w.-]{0,32}$/.test(word) ? word : '…'))
    .trim()
    .slice(0, SHOWN)
}
