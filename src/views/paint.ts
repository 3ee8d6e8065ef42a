/** Colours for a terminal; the same text without them elsewhere. */
export interface Paint {
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
  dim(text: string): string
  strong(text: string): string
}

/** No colours. */
export const PLAIN: Paint = { good: (text) => text, bad: (text) => text, warn: (text) => text, dim: (text) => text, strong: (text) => text }
