import { word, type Instruction } from '../../by-hand/index.ts'
import { identifier, literal } from './quote.ts'

/** Parameters whose value is a list of names, as in companion.ts: they stand in the catalog ready to be written again. */
const LISTS = ['local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries', 'temp_tablespaces']

/**
 * The statements of companion.ts as one block of SQL that a person can run: the companion is created if it is absent, gets attributes,
 * connection limit and settings of the original, is a member of it, and takes its role on at login. Repeatable.
 */
export function equaliseByHand(original: string, companion: string): Omit<Instruction, 'says'> {
  const attributes = ['createdb', 'createrole', 'replication', 'bypassrls', 'inherit']
  const wanted = attributes.map((name) => `case when o.rol${name} <> c.rol${name} then case when o.rol${name} then '${name.toUpperCase()}' else 'NO${name.toUpperCase()}' end end`)
  return {
    run: [
      `if [ "$NEW_USER" = ${word(companion)} ]; then pg_admin <<'SQL'`,
      'do $block$',
      'declare one record;',
      'begin',
      `  if not exists (select from pg_roles where rolname = ${literal(companion)}) then create role ${identifier(companion)} nologin; end if;`,
      "  execute (select format('alter role %I connection limit %s valid until ''infinity'' %s', c.rolname, o.rolconnlimit,",
      `      concat_ws(' ', ${wanted.join(', ')}))`,
      `    from pg_roles o, pg_roles c where o.rolname = ${literal(original)} and c.rolname = ${literal(companion)});`,
      `  grant ${identifier(original)} to ${identifier(companion)};`,
      `  alter role ${identifier(companion)} reset all;`,
      '  for one in',
      "    select d.datname as base, split_part(s, '=', 1) as name, substr(s, strpos(s, '=') + 1) as value",
      '    from pg_db_role_setting r left join pg_database d on d.oid = r.setdatabase, unnest(r.setconfig) s',
      `    where r.setrole = (select oid from pg_roles where rolname = ${literal(original)})`,
      '  loop',
      `    execute format('alter role %I %s set %s = %s', ${literal(companion)},`,
      "      case when one.base is null then '' else format('in database %I', one.base) end, one.name,",
      `      case when one.value = '' or one.name <> all (array[${LISTS.map(literal).join(', ')}]) then quote_literal(one.value) else one.value end);`,
      '  end loop;',
      `  alter role ${identifier(companion)} set role = ${literal(original)};`,
      'end $block$;',
      'SQL',
      'fi && echo equal',
    ].join('\n'),
    prints: 'equal',
  }
}
