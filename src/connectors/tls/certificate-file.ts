import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Answer, done, refused } from '../../kit/answer.ts'
import { fileRefusal } from '../../outside/file/index.ts'

const FIRST = /^-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/m

/** A file as text. Refused as by {@link fileRefusal}. */
export async function readText(path: string): Promise<Answer<string>> {
  try {
    return done(await readFile(path, 'utf8'))
  } catch (thrown) {
    return fileRefusal(thrown, path)
  }
}

/** The first certificate of a PEM file, which is the server's own in every bundle. Refused when there is none: STORE_UNFIT. */
export async function readCertificate(path: string): Promise<Answer<X509Certificate>> {
  const text = await readText(path)
  if (text.is !== 'done') return text
  try {
    const [pem] = FIRST.exec(text.value) ?? []
    if (pem !== undefined) return done(new X509Certificate(pem))
  } catch {
    // Told below: what OpenSSL says may quote the file.
  }
  return refused('STORE_UNFIT', `${path} begins with no certificate that can be read`)
}
