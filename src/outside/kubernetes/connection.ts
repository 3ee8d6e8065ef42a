import type { Answer } from '../../kit/answer.ts'
import type { Secret } from '../../kit/secret.ts'
import type { Tls } from '../http/index.ts'

/** How an API server is reached, and who asks it. */
export interface Connection {
  /** Its URL, without a slash at the end. */
  readonly server: string
  /** Whom it is trusted by, and the client certificate that is shown, if any. */
  readonly tls: Tls
  /** The bearer token as it is at this moment: a file of one is read again each time. Absent where none is shown. */
  readonly token?: () => Answer<Secret>
  /** The namespace that is meant where none is named. */
  readonly namespace: string
}
