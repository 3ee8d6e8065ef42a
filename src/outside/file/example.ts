import { basename } from 'node:path'

/** Whether a file is by its name an example for people, which is committed and holds no values: `.env.example`, `env-sample`. */
export function isExample(path: string): boolean {
  return /(?:^|[._-])(?:example|sample|template)$/i.test(basename(path))
}
