const PIECE =
  /'(?<plain>[^']*)'|"(?<quoted>(?:[^"\\]|\\["\\]|\\(?!["\\]))*)"|\\(?<escaped>[^])|(?<blank>\s+)|(?<fault>[|&;<>$`'"\\])|(?<bare>[^\s|&;<>$`'"\\]+)/g

/**
 * The words of a command as they stand in `${exec:...}`, program first; or what to write where they are none. No shell reads them:
 * - blanks (spaces, tabs, line ends) are between words;
 * - inside `'...'` every character stands for itself;
 * - inside `"..."` too, but `\"` and `\\` are a quote and a backslash;
 * - outside of quotes a backslash takes the next character as it is.
 *
 * There are no variables, patterns, pipes and home folders. Characters with which a shell would do something are a fault outside of
 * quotes: nobody means them for the program who writes them so. Pure; `write` repeats nothing of the text.
 */
export function wordsOf(text: string): readonly string[] | { readonly write: string } {
  if (text.includes('\0')) return { write: 'a command without a zero byte' }
  const words: string[] = []
  let word: string | undefined
  for (const { groups = {} } of text.matchAll(PIECE)) {
    const { plain, quoted, escaped, bare, blank, fault } = groups
    if (fault !== undefined) return { write: insteadOf(fault) }
    if (blank === undefined) word = `${word ?? ''}${plain ?? escaped ?? bare ?? quoted?.replaceAll(/\\(["\\])/g, '$1') ?? ''}`
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (word !== undefined) words.push(word)
  return (words[0] ?? '') === '' ? { write: 'a program and its arguments, such as `${exec:pass show db/admin}`' } : words
}

function insteadOf(fault: string): string {
  if (fault === '\\') return 'a character behind the last backslash, or two of them'
  if (fault === '"' || fault === '\'') return 'the quote that closes the one that is open'
  return 'quotes around `|`, `&`, `;`, `<`, `>`, `$` and backticks: no shell reads them; where one has to, `sh -c \'...\'`'
}
