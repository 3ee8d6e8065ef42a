import { resolve } from 'node:path'
import { type Call, type Host, KeyturnError, Secret } from '../../kit/index.ts'
import type { IssuerConfig } from './manifest.ts'

/** How the connection is protected: not at all, with a certificate that is checked, or with any certificate. */
export type Protection = '' | '+s' | '+ssc'

/** Where and as whom to log in. */
export interface Target {
  /** `neo4j` lets the driver look for the server that leads; `bolt` talks to this one. */
  readonly scheme: 'neo4j' | 'bolt'
  readonly protection: Protection
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret
  /** A file with the authorities that may have signed the certificate; the public ones when absent. */
  readonly ca?: string
}

/** Where the admin logs in: resolved at every use, because the reference may give another password tomorrow. */
export async function findAdmin({ admin, ca }: IssuerConfig, host: Host, call: Call): Promise<Target> {
  const target = readUrl(await host.resolve(admin, call))
  if (target.user === '') throw unfit('issuer.admin gives a URL without a user')
  host.conceal(target.password)
  return ca === undefined ? target : { ...target, ca: resolve(host.base, ca) }
}

/**
 * Reads a neo4j:// or bolt:// URL with user and password, `+s` and `+ssc` as the drivers have them; what comes after the port counts for
 * nothing. https://neo4j.com/docs/operations-manual/current/configuration/ports/
 * Throws REFERENCE_UNRESOLVED, without quoting it, when it is none.
 */
export function readUrl(secret: Secret): Target {
  const url = URL.parse(secret.reveal())
  const [, scheme, protection = ''] = /^(neo4j|bolt)(\+s|\+ssc)?:$/.exec(url?.protocol ?? '') ?? []
  if (url === null || scheme === undefined || url.hostname === '') throw unfit('issuer.admin does not give a neo4j:// or bolt:// URL')
  return {
    scheme: scheme === 'bolt' ? 'bolt' : 'neo4j',
    protection: protection === '+s' || protection === '+ssc' ? protection : '',
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 7687 : Number(url.port),
    user: decode(url.username),
    password: new Secret(decode(url.password)),
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw unfit('issuer.admin gives a URL with a broken percent-encoding')
  }
}

function unfit(about: string): KeyturnError {
  return new KeyturnError('REFERENCE_UNRESOLVED', about)
}
