import type { Flavour } from './admin.ts'

/** One line of SHOW GRANTS, taken apart. */
interface Grant {
  readonly privileges: readonly string[]
  /** As the server writes it: `*.*`, `` `shop`.* ``. Absent where it is a role that is granted. */
  readonly object?: string
  readonly withOption: boolean
}

/** Takes a line of SHOW GRANTS apart; undefined for one that grants no privilege and no role (REVOKE, SET DEFAULT ROLE, PROXY). */
function readGrant(line: string): Grant | undefined {
  const words = line.replaceAll(/`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'/gs, (quoted) => 'q'.repeat(quoted.length))
  const [on, to] = [words.indexOf(' ON '), words.indexOf(' TO ')]
  if (!words.startsWith('GRANT ') || words.startsWith('GRANT PROXY ') || to < 0) return undefined
  const withOption = / WITH (?:.* )?(?:GRANT|ADMIN) OPTION/.test(words.slice(to))
  if (on < 0 || on > to) return { privileges: line.slice('GRANT '.length, to).split(/,\s*/), withOption }
  const privileges = words.slice('GRANT '.length, on).replaceAll(/\s*\([^)]*\)/g, '').split(/,\s*/)
  return { privileges, object: line.slice(on + ' ON '.length, to).replace(/^(?:FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE) /, ''), withOption }
}

const PRIVILEGES = ['CREATE USER', 'PROCESS'] as const

/**
 * Every right that the rotation needs and the admin lacks, named as one would grant it. Empty: all there. `copied` are the grants of
 * the user that the other is made an equal of: whoever gives a right needs it with GRANT OPTION.
 */
export function missingRights(admin: readonly string[], flavour: Flavour, ends: boolean, copied: readonly string[]): readonly string[] {
  const has = admin.flatMap((line) => readGrant(line) ?? [])
  const may = (privilege: string, object: string, withOption: boolean): boolean => has.some((one) =>
    (one.withOption || !withOption) && covers(one.object, object)
      && (one.privileges.includes(privilege) || one.privileges.includes('ALL PRIVILEGES') || (privilege.startsWith('CONNECTION') && one.privileges.includes('SUPER'))))
  const needed = [
    ...PRIVILEGES.map((privilege) => [privilege, '*.*'] as const),
    ...(ends ? [[flavour === 'mariadb' ? 'CONNECTION ADMIN' : 'CONNECTION_ADMIN', '*.*'] as const] : []),
    ['SELECT', '`mysql`.*'] as const,
  ]
  const own = needed.filter(([privilege, object]) => !may(privilege, object, false)).map(([privilege, object]) => `${privilege} ON ${object}`)
  const given = copied.flatMap((line) => readGrant(line) ?? []).flatMap(({ privileges, object }) => {
    if (object !== undefined) {
      const lacking = privileges.filter((one) => one !== 'USAGE' && !may(one, object, true))
      return lacking.map((one) => `${one} ON ${object} WITH GRANT OPTION`)
    }
    const isAdmin = flavour === 'mysql' && (may('ROLE_ADMIN', '*.*', false) || may('SUPER', '*.*', false))
    return privileges.filter((role) => !isAdmin && !has.some((one) => one.object === undefined && one.withOption && one.privileges.includes(role)))
      .map((role) => `${role} WITH ADMIN OPTION`)
  })
  const sets = copied.some((line) => line.startsWith('SET DEFAULT ROLE')) && !may('UPDATE', '`mysql`.*', false) ? ['UPDATE ON `mysql`.*'] : []
  return [...new Set([...own, ...given, ...sets])]
}

/** Whether a right on the one is one on the other. */
function covers(one: string | undefined, other: string): boolean {
  if (one === undefined) return false
  return one === '*.*' || one === other || (one.endsWith('.*') && other.startsWith(one.slice(0, -1)))
}
