/** An SQL identifier, quoted. */
export function identifier(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

/** An SQL string literal, quoted for either setting of standard_conforming_strings. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? ` E${quoted}` : quoted
}
