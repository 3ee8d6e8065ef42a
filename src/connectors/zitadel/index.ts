import type { Host } from '../../kit/call.ts'
import { KeyturnError } from '../../kit/error.ts'
import type { Issuer } from '../../kit/issuer.ts'
import { openApplication } from './application.ts'
import type { IssuerConfig } from './manifest.ts'
import { openUser } from './user.ts'

/** The issuer of a service account's keys, or of an application's client secret. */
export function openIssuer(config: IssuerConfig, host: Host): Issuer {
  if (config.user !== undefined) return openUser(config, config.user, host)
  if (config.application !== undefined) return openApplication(config, config.application, host)
  throw new KeyturnError('MANIFEST_INVALID', '`user` or `application`, one of them')
}
