import { KeyturnError } from '../../kit/error.ts'

/** What of nodemailer is used: one connection, and the form of a message. */
export interface Library {
  readonly Connection: typeof import('nodemailer/lib/smtp-connection').default
  readonly Composer: typeof import('nodemailer/lib/mail-composer').default
}

async function bringLibrary(): Promise<Library> {
  const [connection, composer] = await Promise.all([import('nodemailer/lib/smtp-connection'), import('nodemailer/lib/mail-composer')])
  return { Connection: connection.default, Composer: composer.default }
}

/** The library, which is installed beside keyturn by those who use this connector. Throws PACKAGE_MISSING when it is not. */
export async function loadLibrary(bring: () => Promise<Library> = bringLibrary): Promise<Library> {
  try {
    return await bring()
  } catch (cause) {
    throw new KeyturnError('PACKAGE_MISSING', 'nodemailer (npm install nodemailer@10)', { cause })
  }
}
